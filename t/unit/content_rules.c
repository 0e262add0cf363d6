/* libs: -lpcre2-8 */

/*
 * Texts as people write them: what is right passes, what is wrong is found for
 * its own reason, at its place, with a repair that helps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "content_judge.h"


static void
says(const char *text, const char *codes)
{
    judge_text(text, strlen(text));
    if (strcmp(judge_codes(), codes) != 0) {
        print_error("text:  %s\nwant:  %s\ngot:   %s\n", text, codes, judge_codes());
        fail();
    }
}


/* the finding's place, as text */
static void
place(uint32_t i, const char *want)
{
    const sms_finding_t  *f;

    assert_true(i < judge.nfindings);
    f = &judge.findings[i];
    assert_int_equal(f->len, strlen(want));
    assert_memory_equal(judge_msg.text.ptr + f->begin, want, f->len);
}


static void
repair(uint32_t i, const char *want)
{
    char  got[512];

    assert_true(i < judge.nfindings);
    snprintf(got, sizeof(got), "%.*s", (int) judge.findings[i].repair.len,
             judge.findings[i].repair.len ? judge.findings[i].repair.ptr : "");
    assert_string_equal(got, want);
}


static const char  good[] =
    "KAMPANYA: Tum kislik urunlerde %40 indirim, 31.12.2026 tarihine kadar. Bilgi: "
    "0212 555 44 33 Ornek Dis Ticaret A.S. Mersis: 0015001526400497 "
    "Ret icin ORNEK RET yaz 4605'e gonder";


static void
test_good_commercial(void **state)
{
    (void) state;
    judge_begin();
    says(good, "");

    /* the same with Turkish letters, another order, other writing */
    says("Kampanya! Tüm kışlık ürünlerde %40 indirim 31.12'ye kadar geçerli, "
         "www.ornek.com.tr\n"
         "ÖRNEK DIŞ TİC. ANONİM ŞİRKETİ MERSİS NO 0015 0015 2640 0497 "
         "SMS almak istemiyorsanız RET ÖRNEK yazıp 4605'e ücretsiz gönderin. "
         "Müşteri hizmetleri 0850 222 44 33", "");
    says("Tanıtım: yeni mağazamız Kadıköy'de açıldı. info@ornek.com.tr "
         "örnek dış ticaret aş - mersis 0015.0015.2640.0497 - Ret: örnek ret 4605", "");
    says("BİLGİLENDİRME: Mağazamız taşındı. Tel +90 (212) 555 44 33. "
         "Örnek Dış Ticaret A.Ş. Mersis:0015-0015-2640-0497 "
         "İptal için Örnek Ret yazın, 4605'e gönderin", "");
    says("Duyuru: Subemiz acildi. 444 0 123. ornek  dis\nticaret a . s . mersis "
         "0015001526400497 ORNEK.RET>4605", "");
    /* soft hyphen and zero width space do not hide a word */
    says("Tan\xc2\xadıtım: Şubemiz açıldı. 4440123 Örnek D\xe2\x80\x8bış Ticaret A.Ş. "
         "Mersis 0015001526400497 ORNEK RET 4605", "");
}


static void
test_identity(void **state)
{
    (void) state;
    judge_begin();

    says("Tanıtım: Şubemiz açıldı. 0212 555 44 33 Mersis 0015001526400497 ORNEK RET 4605",
         "missing-identity");
    repair(0, " Örnek Dış Ticaret A.Ş.");
    assert_int_equal(judge.findings[0].begin, judge_msg.text.len);
    assert_int_equal(judge.findings[0].len, 0);
    assert_int_equal(judge.findings[0].severity, SMS_SEVERITY_BLOCK);
    assert_int_equal(judge.findings[0].floor, SMS_SEVERITY_BLOCK);

    says("Tanitim: Subemiz acildi. 0212 555 44 33 Ornek Dis Ticaret AS ORNEK RET 4605",
         "missing-identity");
    repair(0, " Mersis: 0015001526400497");
    says("Tanitim: Subemiz acildi. 0212 555 44 33 ORNEK RET 4605", "missing-identity");
    repair(0, " Örnek Dis Ticaret A.S. Mersis: 0015001526400497");

    /* a longer name is not this one */
    says("Tanitim: Yeni Subemiz. 0212 555 44 33 Ornek Dis Ticaret ASLAN Mersis "
         "0015001526400497 ORNEK RET 4605", "missing-identity");

    judge.conf.tacir_identity = CONTENT_TACIR_MERSIS;
    says("Tanitim: Subemiz acildi. 0212 555 44 33 Mersis 0015001526400497 ORNEK RET 4605", "");

    judge_begin();
    judge_brand.mersis = judge_str("");
    says(good, "identity-mismatch missing-identity");
    repair(0, "");
    repair(1, "");
}


static void
test_other_owners(void **state)
{
    static const char  text[] = "Tanıtım: Dükkânımız açıldı. 0312 555 44 33 "
                                "ORNEK RET 4605 ";

    char  line[256];

    (void) state;
    judge_begin();
    judge_brand.owner_kind = SMS_OWNER_ESNAF;
    judge_brand.title = judge_str("Ayşe Yılmaz");
    judge_brand.tckn = judge_str("10000000146");
    judge_brand.vkn = judge_str("4540536920");

    says(text, "missing-identity");
    repair(0, " Ayşe Yılmaz TCKN: 10000000146");
    snprintf(line, sizeof(line), "%sAYSE YILMAZ T.C. 10000000146", text);
    says(line, "");
    snprintf(line, sizeof(line), "%sAYSE YILMAZ VKN 4540536920", text);
    says(line, "missing-identity");
    judge.conf.esnaf_identity = CONTENT_ESNAF_VKN;
    says(line, "");
    snprintf(line, sizeof(line), "%sAyse Yilmaz T.C. 10000000146", text);
    says(line, "");
    says(text, "missing-identity");
    repair(0, " Ayşe Yılmaz VKN: 4540536920");

    judge_brand.tckn = judge_str("");
    judge_brand.vkn = judge_str("");
    says(text, "missing-identity");
    assert_int_equal(judge.findings[0].severity, SMS_SEVERITY_BLOCK);
    repair(0, "");

    /* no source confirms these, so they warn */
    judge_begin();
    judge_brand.owner_kind = SMS_OWNER_ASSOCIATION;
    judge_brand.title = judge_str("Örnek Derneği");
    judge_brand.registry_no = judge_str("34-123-045");
    says(text, "missing-identity");
    assert_int_equal(judge.findings[0].severity, SMS_SEVERITY_WARN);
    assert_int_equal(judge.findings[0].floor, SMS_SEVERITY_OFF);
    repair(0, " Örnek Derneği Sicil No: 34-123-045");
    snprintf(line, sizeof(line), "%sORNEK DERNEGI sicil 34/123/045", text);
    says(line, "");

    judge_brand.owner_kind = SMS_OWNER_PUBLIC;
    judge_brand.registry_no = judge_str("");
    snprintf(line, sizeof(line), "%sÖrnek Derneği", text);
    says(line, "");

    judge_brand.owner_kind = SMS_OWNER_PERSON;
    says(line, "missing-identity");
    assert_int_equal(judge.findings[0].floor, SMS_SEVERITY_BLOCK);
    judge_brand.owner_kind = SMS_OWNER_UNKNOWN;
    says(line, "missing-identity");
}


static void
test_mismatch(void **state)
{
    (void) state;
    judge_begin();

    says("Tanıtım: Şube açıldı. 0212 555 44 33 Örnek Dış Ticaret A.Ş. Mersis No: "
         "0879001756600379 ORNEK RET 4605", "identity-mismatch");
    place(0, "0879001756600379");
    repair(0, "0015001526400497");

    /* invalid behind a label, grouped */
    says("Tanıtım: Şube açıldı. 0212 555 44 33 Örnek Dış Ticaret A.Ş. Mersis: "
         "0015 0015 2650 0497 ORNEK RET 4605", "identity-mismatch");
    place(0, "0015 0015 2650 0497");

    /* valid, without a label: perhaps something else */
    says("Tanıtım: Şube açıldı. 0212 555 44 33 Örnek Dış Ticaret A.Ş. "
         "0015001526400497 no "
         "0879001756600379 ORNEK RET 4605", "identity-mismatch");
    assert_int_equal(judge.findings[0].severity, SMS_SEVERITY_CONFIRM);
    repair(0, "");

    says("Tanıtım: Şube açıldı. 0212 555 44 33 Örnek Dış Ticaret A.Ş. "
         "Mersis: 0015001526400497 T.C. Kimlik No: 12345678901 ORNEK RET 4605",
         "identity-mismatch");
    place(0, "12345678901");
    assert_int_equal(judge.findings[0].severity, SMS_SEVERITY_BLOCK);
    says("Tanıtım: Şube açıldı. 0212 555 44 33 Örnek Dış Ticaret A.Ş. "
         "Mersis: 0015001526400497 sipariş 10000000146 ORNEK RET 4605", "identity-mismatch");
    assert_int_equal(judge.findings[0].severity, SMS_SEVERITY_WARN);
}


static void
test_reject(void **state)
{
    static const char *const  wrong[] = {
        "", "ORNEK RET", "RET 4605", "ORNEK RET 4606", "BASKA RET 4605", "ORNEK 4605",
        "ORNEK INFO RET 4605", "ORNEKRET 4605", "ORNEK RETRO 4605", "ORNEK RET 46051"
    };

    char    line[300];
    size_t  i;

    (void) state;
    judge_begin();

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        snprintf(line, sizeof(line), "Tanitim: Sube acildi. 0212 555 44 33 Ornek Dis Ticaret "
                 "A.S. Mersis: 0015001526400497 %s", wrong[i]);
        says(line, "missing-reject-route");
        repair(0, " Ret icin ORNEK RET yaz 4605 numarasina gonder");
        assert_int_equal(judge.findings[0].begin, strlen(line));
        assert_int_equal(judge.findings[0].floor, SMS_SEVERITY_BLOCK);
    }

    says("Tanıtım: Şube açıldı. 0212 555 44 33 Örnek Dış Ticaret A.Ş. "
         "Mersis: 0015001526400497", "missing-reject-route");
    repair(0, " Ret için ORNEK RET yaz 4605 numarasına gönder");

    /* two words, and none */
    judge_brand.reject_keyword = judge_str("Örnek Giyim");
    says("Tanıtım: Şube açıldı. 0212 555 44 33 Örnek Dış Ticaret A.Ş. "
         "Mersis: 0015001526400497 RET ORNEK GIYIM 4605", "");
    says("Tanıtım: Şube açıldı. 0212 555 44 33 Örnek Dış Ticaret A.Ş. "
         "Mersis: 0015001526400497 ornekgiyim ret 4605", "");
    judge_brand.reject_keyword = judge_str("");
    says("Tanıtım: Şube açıldı. 0212 555 44 33 Örnek Dış Ticaret A.Ş. "
         "Mersis: 0015001526400497 Ret yaz, 4605'e gönder", "");

    judge_begin();
    judge_brand.reject_free = 0;
    says(good, "reject-number-not-free");
    place(0, "4605");
    assert_int_equal(judge.findings[0].floor, SMS_SEVERITY_BLOCK);
    judge_brand.reject_number = judge_str("");
    says(good, "missing-reject-route");
    repair(0, "");
}


static void
test_contact(void **state)
{
    static const char *const  right[] = {
        "0212 555 44 33", "02125554433", "0(212)5554433", "(0212) 555 44 33", "+902125554433",
        "0090 212 555 44 33", "0850-222-33-44", "0800.222.33.44", "444 0 123", "444 01 23",
        "0532 123 45 67", "+49 30 1234567", "bilgi@ornek.com.tr", "A.B@ORNEK.COM"
    };
    static const char *const  wrong[] = {
        "", "4605", "0212 555 44", "555 44 33", "00 90", "bilgi@ornek", "@ornek",
        "0212 555 44 333", "0112 555 44 33", "12.12.2026", "1234567890123"
    };

    char    line[300];
    size_t  i;

    (void) state;
    judge_begin();

    for (i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        snprintf(line, sizeof(line), "Tanitim: Sube acildi. %s Ornek Dis Ticaret "
                 "A.S. Mersis: 0015001526400497 ORNEK RET 4605", right[i]);
        says(line, "");
    }
    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        snprintf(line, sizeof(line), "Tanitim: Sube acildi. %s Ornek Dis Ticaret "
                 "A.S. Mersis: 0015001526400497 ORNEK RET 4605", wrong[i]);
        says(line, "missing-contact");
        repair(0, " Tel: 0212 555 44 33");
    }

    judge_brand.contact.len = 0;
    says(line, "missing-contact");
    repair(0, "");
    judge.conf.contact_short_number = 1;
    says(line, "");

    /* a grouped MERSİS number is no telephone number */
    judge_begin();
    judge_brand.mersis = judge_str("0482015904500019");
    says("Tanitim: Sube acildi. Ornek Dis Ticaret A.S. Mersis: 0 482 015 90 45 00019 ORNEK RET "
         "4605", "missing-contact");
}


static void
test_nature_and_terms(void **state)
{
    static const char  tail[] = " 0212 555 44 33 Örnek Dış Ticaret A.Ş. Mersis: "
                                "0015001526400497 ORNEK RET 4605";

    char  line[400];

    (void) state;
    judge_begin();

    snprintf(line, sizeof(line), "Yeni şubemiz Kadıköy'de açıldı.%s", tail);
    says(line, "missing-nature-word");
    repair(0, "TANITIM: ");
    assert_int_equal(judge.findings[0].begin, 0);
    assert_int_equal(judge.findings[0].severity, SMS_SEVERITY_WARN);

    /* at the end it does not count */
    snprintf(line, sizeof(line),
             "Yeni şubemiz Kadıköy'de açıldı, bekleriz sizleri.%s tanıtım", tail);
    says(line, "missing-nature-word");

    snprintf(line, sizeof(line), "Size özel hediyeler 5 Mayıs'a kadar.%s", tail);
    says(line, "");
    judge.conf.nature_word = CONTENT_NATURE_ALWAYS;
    says(line, "missing-nature-word");

    judge_begin();
    snprintf(line, sizeof(line), "İNDİRİMLİ ürünlerimizi kaçırmayın.%s", tail);
    says(line, "promotion-without-terms");
    place(0, "İNDİRİMLİ");
    says("Kampanya: yarın son gün! bilgi@ornek.com.tr Örnek Dış Ticaret A.Ş. Mersis: "
         "0015001526400497 ORNEK RET 4605", "promotion-without-terms");
    says("Kampanya: her şey %50, yarın son gün! bilgi@ornek.com.tr ornek.com.tr Örnek Dış "
         "Ticaret A.Ş. Mersis: 0015001526400497 ORNEK RET 4605", "");
    says("Kampanya bilgi@ornek.com.tr Örnek Dış Ticaret A.Ş. Mersis: 0015001526400497 "
         "ORNEK RET 4605", "promotion-without-terms promotion-without-terms");
}


static void
test_informational(void **state)
{
    (void) state;
    judge_begin();
    judge_msg.klass = SMS_CLASS_INFORMATIONAL;

    says("Sayın müşterimiz, 1.250,00 TL tutarındaki faturanızın son ödeme tarihi "
         "15.12.2026.", "");
    says("Siparişiniz kargoya verildi. Takip no: 48213377. https://kargo.ornek.com.tr/t/1", "");
    says("Randevunuz 14:00'te. Değişiklik için 0212 555 44 33. Memnuniyetle bekleriz.", "");
    says("Bu fatura indirimsiz tutardır.", "");
    says("", "");

    /* words that begin like others */
    says("Seksen lira ödemeniz alındı. Örnek Pazarlama A.Ş.", "");
    says("Değerli adayımız, mülakatınız Salı günü. Lütfen telefonunuzu açık tutunuz.",
         "");
    says("Uygulamayı indirin, sözleşmeyi kabul etmek için giriş yapın", "");

    says("Siparişiniz kargoda. Bir sonraki alışverişinizde İndirimlerimiz sizi bekliyor!",
         "promotion-in-informational");
    place(0, "İndirimlerimiz");
    assert_int_equal(judge.findings[0].severity, SMS_SEVERITY_CONFIRM);
    assert_int_equal(judge.findings[0].floor, SMS_SEVERITY_OFF);
    says("Bugün %20 daha ucuz", "promotion-in-informational");
    place(0, "ucuz");
    says("Bugün %20 daha az", "promotion-in-informational");
    place(0, "%");
    says("size\xc2\xa0özel teklifimiz var", "promotion-in-informational");
    place(0, "size\xc2\xa0özel");
    says("Ramazan Bayramınızı en içten dileklerimizle kutlarız.", "greeting-in-informational");
    place(0, "Bayramınızı");
    says("BAYRAMINIZ   kutlu,\nolsun", "greeting-in-informational");
    place(0, "BAYRAMINIZ   kutlu");
    says("Doğum gününüz kutlu olsun, Ayşe Hanım!", "greeting-in-informational");
    says("Hizmetimizden memnuniyetinizi ölçmek için anketimize katılın",
         "survey-in-informational");
    says("Kampanyalardan haberdar olmak için ONAY yazın",
         "promotion-in-informational consent-request-in-informational");

    judge_msg.klass = SMS_CLASS_EXEMPT;
    says("Bayramınız kutlu olsun, %50 indirim", "");
}


static void
test_otp(void **state)
{
    (void) state;
    judge_begin();
    judge_msg.klass = SMS_CLASS_OTP;

    says("Örnek Banka: 1.250 TL ödeme için onay kodunuz 482913. Kimseyle paylaşmayın.", "");
    says("Hesap girişi için doğrulama kodunuz: 482913", "");
    says("Your login code is 482913", "");

    says("Kodunuz 482913", "otp-purpose-missing");
    assert_int_equal(judge.findings[0].severity, SMS_SEVERITY_WARN);
    says("482913 kodunu kimseyle paylasmayin lutfen bu cok onemli bir konudur tesekkur ederiz "
         "giris icin", "otp-purpose-missing");
    says("Üyelik kodunuz 482913. Kodu girerek ticari elektronik ileti almayı kabul etmiş "
         "olursunuz.", "consent-wording-in-otp");
    place(0, "ticari elektronik ileti");
    assert_int_equal(judge.findings[0].severity, SMS_SEVERITY_BLOCK);
    assert_int_equal(judge.findings[0].floor, SMS_SEVERITY_CONFIRM);
    says("Giriş kodunuz 482913. Açık Rızanız alınmıştır.", "consent-wording-in-otp");
}


static void
test_all_classes(void **state)
{
    uint8_t  k;

    (void) state;
    judge_begin();

    for (k = SMS_CLASS_INFORMATIONAL; k <= SMS_CLASS_EXEMPT;
         k += SMS_CLASS_EXEMPT - SMS_CLASS_INFORMATIONAL)
    {
        judge_msg.klass = k;

        says("Toplantı saat 14:00'te B001", "fake-operator-code");
        place(0, "e B001");
        repair(0, "e");
        says("Toplantı var ş B001 RM00. ", "fake-operator-code");
        place(0, "ş B001 RM00. ");
        repair(0, "ş");
        says("B001", "fake-operator-code");
        place(0, "B001");
        repair(0, "");

        says("Detay: bit.ly/3xYz ve HTTPS://CUTT.LY/a", "url-shortener url-shortener");
        place(0, "bit.ly");
        place(1, "HTTPS://CUTT.LY");
        says("Detay: orbit.ly.com.tr/bit.ly", "");
        says("Canlı Bahis sitemiz açıldı", "prohibited-gambling");
        place(0, "Canlı Bahis");
        assert_int_equal(judge.findings[0].severity, SMS_SEVERITY_BLOCK);
        says("Bahis konusu borcunuzun son ödeme günü yarındır", "");
        says("Adayımız için oyunuzu bekliyoruz", "prohibited-politics");
        says("Rakı festivali", "sector-alcohol");
        says("Sigarayı bırakma hattı 171", "");
        says("Elektronik sigara", "sector-tobacco");
    }

    judge_msg.klass = SMS_CLASS_EXEMPT;
    judge.conf.topic[CONTENT_GAMBLING] = SMS_SEVERITY_OFF;
    says("Canlı bahis", "");
    says("Diş tedavisi randevunuz yarın", "");
    says("Diş tedavisinde %20 indirim", "sector-health");
}


/* links that are not what they look like */
static void
test_links(void **state)
{
    (void) state;
    judge_begin();
    judge_msg.klass = SMS_CLASS_INFORMATIONAL;

    says("Gönderiniz için www.ornek.com.tr/takip ve https://takip.ornek.com.tr/1", "");
    says("Borcunuz için turkiye.gov.tr ve https://ebeyanname.gib.gov.tr adresine girin", "");
    says("Sorunuz için bilgi@ornek.com.tr, saat 14.30, 1.250,00 TL, madde 3.2.a", "");
    says("Teslim edildi.Tesekkurler", "");

    says("Odemeniz icin www.turkiye-gov.com adresine girin", "url-lookalike");
    place(0, "www.turkiye-gov.com");
    assert_int_equal(judge.findings[0].severity, SMS_SEVERITY_BLOCK);
    says("HGS borcunuz: hgs-odeme.net/1", "url-lookalike");
    place(0, "hgs-odeme.net");
    says("Borcunuz: e-devlet.online/odeme", "url-lookalike");

    /* a Cyrillic letter in the name; the same letter elsewhere is none of it */
    says("Faturanız: https://orn\xd0\xb5k.com.tr/f", "url-lookalike");
    place(0, "https://orn\xd0\xb5k.com.tr");
    says("Faturanız h\xd0\xb5r ay: https://ornek.com.tr/f", "");
    says("Faturanız: xn--ornk-epa.com", "url-lookalike");
    says("Faturanız: www.a.xn--ornk-epa.com", "url-lookalike");
    says("Faturanız: www.axn--b.com", "");
    /* Turkish letters may stand in names */
    says("Faturanız: www.örnek.com.tr", "");

    says("Faturanız: https://ornek.com.tr@kotu.biz/f", "url-lookalike");
    place(0, "https://ornek.com.tr@kotu.biz");
    says("Faturanız: http://192.0.2.7/f", "url-numeric");
    place(0, "http://192.0.2.7");
    assert_int_equal(judge.findings[0].severity, SMS_SEVERITY_CONFIRM);

    says("Detay: s.id/abc", "url-shortener");
    says("Detay: https://www.bit.ly/abc", "url-shortener");
}


/* words pulled apart, figures and foreign letters for letters */
static void
test_disguise(void **state)
{
    static const char *const  texts[] = {
        "Canli b a h i s sitemiz acildi", "B.A.H.I.S sitemiz", "ba-his sitemiz", "bah1s sitemiz",
        "b\xd0\xb0his sitemiz", "B4H15 sitemiz"
    };

    size_t  i;

    (void) state;
    judge_begin();
    judge_msg.klass = SMS_CLASS_EXEMPT;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        says(texts[i], "prohibited-gambling");
    }

    /* words beside each other are no pieces of one */
    says("Ba his salonu", "");
    says("Yasa dışı bahis ile mücadele semineri", "");
}


/* what is the reader's own is no advertising, what is ours is */
static void
test_own_affairs(void **state)
{
    (void) state;
    judge_begin();
    judge_msg.klass = SMS_CLASS_INFORMATIONAL;

    says("Borcunuzu 31.12 tarihine kadar öderseniz erken ödeme indirimi uygulanır.", "");
    says("Taahhüdünüz 3 gün sonra bitiyor, kampanyanız yenilenmedi.", "");
    says("Faturanıza KDV %20 eklenmiştir.", "");
    says("Paketinizin %80'ini kullandınız.", "");
    says("Teslimat adresiniz: Hediye Sok. No 4", "");
    says("Randevunuzu kaçırmayın: yarın 14:00", "");
    says("Başvurunuz kabul edildi, tebrik ederiz.", "");

    says("Borcunuz yoktur. Size özel kampanyamız başladı.", "promotion-in-informational");
    says("Faturanız hazır. %20 indirim için uygulamaya girin.", "promotion-in-informational");
    says("Bilgilendirme: kampanya başladı", "promotion-in-informational");
    says("Faturanız ödendi. Mutlu yıllar dileriz.", "greeting-in-informational");
    says("Sizi tebrik ederiz", "greeting-in-informational");
    says("Siparişiniz teslim edildi. Bizi değerlendirin.", "survey-in-informational");

    says("İndirim SMS'leri için onay vermek isterseniz EVET yazın",
         "promotion-in-informational consent-request-in-informational");
    says("İYS onayınızı güncelleyin", "consent-request-in-informational");
    says("Kaydınız açıldı. Ticari ileti almayı kabul ediyorsanız EVET yazıp gönderin.",
         "consent-request-in-informational");
    says("Sözleşmeniz için onay verildi.", "");

    /* health services may not name prices either (RG 12.11.2025/33075) */
    judge_msg.klass = SMS_CLASS_EXEMPT;
    says("İmplant 9.900 TL", "sector-health");
    says("İmplant randevunuz yarın", "");
}


static void
test_long(void **state)
{
    static char  text[20000];

    size_t  n;

    (void) state;
    judge_begin();
    judge_msg.klass = SMS_CLASS_INFORMATIONAL;

    for (n = 0; n + 40 < sizeof(text); n += strlen(text + n)) {
        strcpy(text + n, "Şu an çok işimiz var. ");
    }
    says(text, "");
    strcpy(text + n, "kaçırmayın");
    says(text, "promotion-in-informational");
    assert_int_equal(judge.findings[0].begin, n);
    place(0, "kaçırmayın");

    /* texts made to be slow */
    memset(text, 'a', sizeof(text) - 1);
    for (n = 1; n < sizeof(text) - 1; n += 2) {
        text[n] = '.';
    }
    says(text, "");
    memset(text, '0', sizeof(text) - 1);
    judge_msg.klass = SMS_CLASS_COMMERCIAL;
    judge_text(text, sizeof(text) - 1);
    assert_true(judge.nfindings >= 3);
}


/* what is repaired passes: nothing is refused, and no repair is left */
static void
test_repairs(void **state)
{
    static const char *const  texts[] = {
        "", "a", "Yeni şubemiz açıldı", "Yeni subemiz acildi", "Fiyatlar düştü 🎉",
        "İNDİRİM!", "Mersis: 0879001756600379", "Mersis: 1234 5678 9012 3456 B001",
        "Sube acildi B001", "Sube acildi B001 B002", "B001", "ORNEK RET", "4605 ornek dis ticaret",
        "T.C. 12345678901 kampanya", "   ", "\n", "Ret: BASKA RET 4605'e gönder."
    };
    static const uint32_t  owners[] = {
        SMS_OWNER_TACIR, SMS_OWNER_ESNAF, SMS_OWNER_ASSOCIATION, SMS_OWNER_FOREIGN,
        SMS_OWNER_PROFESSION, SMS_OWNER_PUBLIC
    };

    static char  out[4096];

    size_t    i, k, n, c;
    uint32_t  f;

    (void) state;
    for (k = 0; k < sizeof(owners) / sizeof(owners[0]); k++) {
        for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
            judge_begin();
            judge_brand.owner_kind = owners[k];
            judge_brand.registry_no = judge_str("İstanbul 123456-5");
            judge_brand.tckn = judge_str("10000000146");

            judge_text(texts[i], strlen(texts[i]));
            assert_true(judge.nfindings > 0);
            n = judge_repaired(out, sizeof(out));

            if (!judge.text.turkish) {
                for (c = 0; c < n; c++) {
                    /* Ö of the name is in the GSM alphabet; so is the emoji not */
                    assert_true((unsigned char) out[c] < 0x80 || memcmp(out + c, "\xc3", 1) == 0
                                || (unsigned char) out[c - 1] == 0xc3 || i == 4);
                }
            }

            judge_text(out, n);
            for (f = 0; f < judge.nfindings; f++) {
                if (judge.findings[f].repair.len
                    || judge.findings[f].severity > SMS_SEVERITY_WARN)
                {
                    print_error("owner %u: %s\n-> %.*s\nstill: %s\n", owners[k], texts[i],
                                (int) n, out, judge_codes());
                    fail();
                }
            }
        }
    }
}


static int
end(void **state)
{
    (void) state;
    content_rules_free(&judge);
    return 0;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_good_commercial),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_other_owners),
        cmocka_unit_test(test_mismatch),
        cmocka_unit_test(test_reject),
        cmocka_unit_test(test_contact),
        cmocka_unit_test(test_nature_and_terms),
        cmocka_unit_test(test_informational),
        cmocka_unit_test(test_otp),
        cmocka_unit_test(test_all_classes),
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_disguise),
        cmocka_unit_test(test_own_affairs),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_repairs)
    };

    return cmocka_run_group_tests_name("content_rules", tests, NULL, end);
}
