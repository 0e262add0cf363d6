-- expand: the words and refunds of every end, and the first partitions

set role sms_owner;

insert into sms.cause (code, tr, en) values
    ('delivered', 'Teslim edildi', 'Delivered'),
    ('undelivered', 'Operatör iletiyi teslim edemedi', 'The operator could not deliver the message'),
    ('validity-over', 'Telefona geçerlilik süresi içinde ulaşılamadı', 'The phone could not be reached within the validity period'),
    ('deleted-by-operator', 'İleti operatörde silindi', 'The message was deleted at the operator'),
    ('rejected-by-operator', 'Operatör iletiyi kabul ettikten sonra reddetti', 'The operator took the message and then refused it'),
    ('state-unknown', 'Operatör iletinin sonucunu bilmiyor', 'The operator does not know what became of the message'),
    ('invalid-number', 'Numara kullanılmıyor ya da SMS alamıyor', 'The number is not in use or cannot get an SMS'),
    ('sender-refused', 'Operatör başlığı kabul etmedi', 'The operator did not accept the sender'),
    ('content-refused', 'Operatör metni kabul etmedi', 'The operator did not accept the text'),
    ('consent-refused', 'Alıcının İYS izni yok ya da ret vermiş', 'The recipient has no consent in İYS or has refused'),
    ('consent-not-granted', 'İYS bu alıcı için onay göstermiyor', 'İYS lists no approval for this recipient'),
    ('profile-unknown', 'Hesap bilgileri okunamadı', 'The account could not be read'),
    ('consent-unknown', 'İYS yanıt vermedi, izin doğrulanamadı', 'İYS did not answer, consent could not be checked'),
    ('consent-stale', 'İzin yanıtı eskidi ve yenilenemedi', 'The consent answer grew too old and could not be renewed'),
    ('blacklisted', 'Numara kara listede', 'The number is on the blacklist'),
    ('blacklisted-by-operator', 'Numara operatörün kara listesinde', 'The number is on the operator''s blacklist'),
    ('opted-out', 'Alıcı bu markadan ticari ileti almayı reddetti', 'The recipient has refused commercial messages of this brand'),
    ('sim-changed', 'SIM kart yakın zamanda değişmiş, güvenlik için gönderilmedi', 'The SIM card was changed lately; not sent for safety'),
    ('operator-rejected', 'Operatör iletiyi reddetti', 'The operator refused the message'),
    ('incomplete', 'İletinin bazı parçaları gönderilemedi', 'Some parts of the message could not be sent'),
    ('expired', 'Geçerlilik süresi gönderilemeden doldu', 'The validity period ended before it could be sent'),
    ('no-receipt', 'Operatörden teslim bilgisi gelmedi', 'The operator sent no receipt'),
    ('no-receipts', 'Gönderildi; bu bağlantı teslim bilgisi vermiyor', 'Sent; this link gives no receipts'),
    ('in-doubt', 'Gönderilip gönderilmediği bilinemiyor', 'It is not known whether it was sent'),
    ('cancelled', 'Siz iptal ettiniz', 'You cancelled it'),
    ('account-closed', 'Hesap kapalı', 'The account is closed'),
    ('account-suspended', 'Hesap askıda', 'The account is suspended'),
    ('sender-revoked', 'Başlık geri alındı', 'The sender was revoked'),
    ('sender-not-approved', 'Başlık bu operatörde onaylı değil', 'The sender is not approved at this operator'),
    ('no-route', 'İletiyi taşıyabilecek bağlantı yok', 'No link can carry the message'),
    ('recipient-type-conflict', 'Numara bireysel olarak ret vermiş, tacir kaydı yok', 'The number refused as an individual and has no merchant record'),
    ('rule-refused', 'Bir kural iletiyi durdurdu', 'A rule stopped the message'),
    ('retry', 'Operatör şu an almıyor, yeniden denenecek', 'The operator does not take it now; it will be tried again');

-- final: 1 delivered 2 undelivered 3 expired 4 rejected 7 unknown
insert into sms.refund_cause (source, state, error, reason, code, final, refund) values
    ('receipt', 0, -1, 0, 'undelivered', 2, true),
    ('receipt', 3, -1, 0, 'validity-over', 3, true),
    ('receipt', 4, -1, 0, 'deleted-by-operator', 2, true),
    ('receipt', 5, -1, 0, 'undelivered', 2, true),
    ('receipt', 7, -1, 0, 'state-unknown', 7, true),
    ('receipt', 8, -1, 0, 'rejected-by-operator', 4, true),
    ('receipt', 0, -1, 1, 'invalid-number', 2, true),
    ('receipt', 0, -1, 2, 'sender-refused', 4, true),
    ('receipt', 0, -1, 3, 'content-refused', 4, true),
    ('receipt', 0, -1, 4, 'consent-refused', 4, true),
    ('receipt', 0, -1, 5, 'blacklisted-by-operator', 4, true),
    ('receipt', 0, -1, 6, 'sim-changed', 4, true),
    ('receipt', 0, -1, 7, 'validity-over', 3, true),
    ('submit', 0, -1, 0, 'operator-rejected', 4, true),
    ('submit', 0, -1, 1, 'invalid-number', 4, true),
    ('submit', 0, -1, 2, 'sender-refused', 4, true),
    ('submit', 0, -1, 3, 'content-refused', 4, true),
    ('submit', 0, -1, 4, 'consent-refused', 4, true),
    ('submit', 0, -1, 5, 'blacklisted-by-operator', 4, true),
    ('submit', 0, -1, 6, 'sim-changed', 4, true),
    ('submit', 0, -1, 7, 'expired', 3, true);

select sms.partitions_ahead(2);
