package SMS::Iys::Error;

# Error bodies.  The codes are İYS's; the sentences are ours: a client that
# reads them instead of the code is wrong.

use strict;
use warnings;
use utf8;

my %text = (
    H001 => 'Hizmet sağlayıcı yok.',
    H014 => 'Gövde JSON değil.',
    H015 => 'Sistem hatası.',
    H018 => 'Marka yok.',
    H058 => 'Bayi yok.',
    H083 => 'Saniyelik istek sınırı aşıldı.',
    H084 => 'Jeton isteği sınırı aşıldı, bir saat bekleyin.',
    H086 => 'Saatlik durum sorgusu sınırı aşıldı.',
    H089 => 'Saatlik geçmiş sorgusu sınırı aşıldı.',
    H090 => 'Bayi isteği geçersiz.',
    H091 => 'En çok 1000 kayıt gönderilebilir.',
    H092 => 'Toplu istek geçersiz.',
    H093 => 'Zorunlu alan eksik.',
    H097 => 'Durum sorgusu geçersiz.',
    H098 => 'Değişiklik sorgusu geçersiz.',
    H103 => 'Sistem hatası.',
    H110 => 'status zorunlu.',
    H111 => 'type zorunlu.',
    H112 => 'consentDate zorunlu.',
    H113 => 'source zorunlu.',
    H114 => 'recipient zorunlu.',
    H115 => 'status geçersiz.',
    H116 => 'recipientType geçersiz.',
    H117 => 'type geçersiz.',
    H118 => 'Bilinmeyen alan.',
    H119 => 'source geçersiz.',
    H120 => 'E-posta adresi geçersiz.',
    H121 => 'Telefon numarası geçersiz.',
    H124 => 'Saniyelik istek sınırı aşıldı.',
    H126 => 'Bayi listesi çok uzun.',
    H127 => 'Alıcı listesi çok uzun.',
    H155 => 'HS_2015 için tarih 2015-05-01 00:00:00 olmalı.',
    H156 => 'Tarih 1 Mayıs 2015 öncesi.',
    H157 => 'Böyle bir tarih yok.',
    H158 => 'Tarih biçimi yanlış.',
    H160 => 'Telefon numarası çok uzun.',
    H162 => 'Tarih gelecekte.',
    H163 => 'Bayi listesi boş.',
    H164 => 'Alıcı listesi boş.',
    H166 => 'Adresin uzunluğu geçersiz.',
    H168 => 'recipients zorunlu.',
    H169 => 'retailerAccess zorunlu.',
    H170 => 'recipientType zorunlu.',
    H171 => 'Bayi erişimi verilemedi.',
    H172 => 'Bayi erişimi kaldırılamadı.',
    H173 => 'Bayi erişimi sorgulanamadı.',
    H174 => 'Durum değişmedi.',
    H175 => 'İlk kayıt RET olamaz.',
    H178 => 'Daha yeni bir kayıt var.',
    H180 => 'Bayi bulunamadı.',
    H182 => 'limit geçersiz.',
    H183 => 'offset geçersiz.',
    H186 => 'limit çok büyük.',
    H187 => 'limit 0 olamaz.',
    H191 => 'Zaman aşımı.',
    H192 => 'Zaman aşımı.',
    H193 => 'Adres yinelenmiş.',
    H194 => 'Kayıt yinelenmiş.',
    H198 => 'requestId çok uzun.',
    H199 => 'requestId yalnız harf olamaz.',
    H216 => 'title zorunlu.',
    H351 => 'Jeton yok ya da geçersiz.',
    H353 => 'Kod kullanıcının haklarıyla eşleşmiyor.',
    H363 => 'Bu hesap türüne kapalı.',
    H400 => 'requestId yalnız rakam olamaz.',
    H401 => 'İzin kaydı yok.',
    H408 => 'HS_KARAR yalnız RET ile kullanılır.',
    H462 => 'TACIR kaydında consentDate zorunlu.',
    H463 => 'TACIR kaydında source zorunlu.',
    H464 => 'Adres türü type ile uyuşmuyor.',
    H467 => 'Tarih üç iş gününden eski.',
    H478 => 'Liste değil.',
    H486 => 'Kaynak kabul edilmedi.',
    H501 => 'Tarih geçersiz.',
    H502 => 'En çok yedi gün geriye gidilebilir.',
    H506 => 'source geçersiz.',
    H507 => 'limit çok büyük.',
    H512 => 'agreementStatus yalnız true olabilir.',
    H520 => 'Abonelik duraklatılmış ya da süresi dolmuş.',
    H521 => 'Abonelik kapalı.',
    H524 => 'Abonelik yok.',
    H525 => 'Adres kotası doldu.',
    H530 => 'Bağlantı oluşturulamadı.',
    H531 => 'Adres https olmalı.',
    H586 => 'Paket API içermiyor.',
);


# entry('H121', location => ['recipient'], value => '905..')

sub entry {
    my ($code, %more) = @_;
    my $index = delete $more{index};

    return {
        code => $code,
        message => $text{$code} // 'İstek geçersiz.',
        %more,
        defined $index ? (index => $index) : ()
    };
}


# A reply [status, body].

sub reply {
    my ($status, @entries) = @_;

    return [$status,
        { errors => [map { ref $_ ? $_ : entry($_) } @entries] }];
}

1;
