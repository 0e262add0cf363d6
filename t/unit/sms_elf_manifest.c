/* The manifest reader: a file made here, then one thing wrong at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../ngx_sms_module/plugin/sms_elf_manifest.c"


/* header, section names, manifest, three section headers */
#define NAMES     64
#define MANIFEST  128
#define HEADERS   512
#define SIZE      (HEADERS + 3 * sizeof(Elf64_Shdr))

static const char  names[] = "\0.shstrtab\0.sms_plugin";


typedef struct {
    unsigned char   file[SIZE];
    Elf64_Ehdr      eh;
    Elf64_Shdr      sh[3];
    sms_manifest_t  m;
} elf_t;


static elf_t *
elf_create(void)
{
    elf_t  *e;

    e = calloc(1, sizeof(elf_t));
    assert_non_null(e);

    memcpy(e->eh.e_ident, ELFMAG, SELFMAG);
    e->eh.e_ident[EI_CLASS] = ELFCLASS64;
    e->eh.e_ident[EI_DATA] = SMS_ELF_ORDER;
    e->eh.e_type = ET_DYN;
    e->eh.e_machine = SMS_ELF_MACHINE;
    e->eh.e_shoff = HEADERS;
    e->eh.e_shentsize = sizeof(Elf64_Shdr);
    e->eh.e_shnum = 3;
    e->eh.e_shstrndx = 1;

    e->sh[1].sh_name = 1;
    e->sh[1].sh_type = SHT_STRTAB;
    e->sh[1].sh_offset = NAMES;
    e->sh[1].sh_size = sizeof(names);

    e->sh[2].sh_name = 11;
    e->sh[2].sh_type = SHT_PROGBITS;
    e->sh[2].sh_offset = MANIFEST;
    e->sh[2].sh_size = sizeof(sms_manifest_t);

    memcpy(e->m.magic, "SMSPLUG", 8);
    e->m.size = sizeof(sms_manifest_t);
    e->m.abi_minor = 1;
    e->m.kinds = 5;
    strcpy(e->m.name, "some_plugin");
    strcpy(e->m.version, "1.2.3");

    return e;
}


/* an exact copy on the heap, so that a read behind the end is noticed */
static sms_elf_rc_t
elf_read(elf_t *e, size_t len, sms_manifest_t *m)
{
    sms_elf_rc_t    rc;
    unsigned char  *copy;

    memcpy(e->file, &e->eh, sizeof(e->eh));
    memcpy(e->file + NAMES, names, sizeof(names));
    memcpy(e->file + MANIFEST, &e->m, sizeof(e->m));
    memcpy(e->file + HEADERS, e->sh, sizeof(e->sh));

    copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, e->file, len);

    rc = sms_elf_manifest_read(copy, len, m);

    free(copy);

    return rc;
}


static void
good_file(void **state)
{
    elf_t           *e = elf_create();
    sms_manifest_t   m;

    (void) state;

    assert_int_equal(elf_read(e, SIZE, &m), SMS_ELF_OK);
    assert_string_equal(m.name, "some_plugin");
    assert_string_equal(m.version, "1.2.3");
    assert_int_equal(m.kinds, 5);
    assert_int_equal(m.abi_minor, 1);

    free(e);
}


static void
cut_anywhere(void **state)
{
    size_t           len;
    elf_t           *e = elf_create();
    sms_manifest_t   m;

    (void) state;

    for (len = 0; len < SIZE; len++) {
        assert_int_not_equal(elf_read(e, len, &m), SMS_ELF_OK);
    }

    assert_int_equal(elf_read(e, 3, &m), SMS_ELF_NOT_ELF);
    assert_int_equal(elf_read(e, 40, &m), SMS_ELF_DAMAGED);
    assert_int_equal(elf_read(e, SIZE - 1, &m), SMS_ELF_DAMAGED);

    free(e);
}


typedef void (*spoil_pt)(elf_t *e);

static void not_elf(elf_t *e) { e->eh.e_ident[0] = 'x'; }
static void bits32(elf_t *e) { e->eh.e_ident[EI_CLASS] = ELFCLASS32; }
static void order(elf_t *e) { e->eh.e_ident[EI_DATA] ^= 3; }
static void machine(elf_t *e) { e->eh.e_machine = EM_386; }
static void program(elf_t *e) { e->eh.e_type = ET_EXEC; }
static void sections_far(elf_t *e) { e->eh.e_shoff = SIZE; }
static void sections_wrap(elf_t *e) { e->eh.e_shoff = (uint64_t) -64; }
static void sections_many(elf_t *e) { e->eh.e_shnum = 65535; }
static void sections_none(elf_t *e) { e->eh.e_shnum = 0; }
static void section_size(elf_t *e) { e->eh.e_shentsize = 40; }
static void names_index(elf_t *e) { e->eh.e_shstrndx = 3; }
static void names_type(elf_t *e) { e->sh[1].sh_type = SHT_PROGBITS; }
static void names_far(elf_t *e) { e->sh[1].sh_offset = SIZE; }
static void names_wrap(elf_t *e) { e->sh[1].sh_size = (uint64_t) -1; }
static void name_far(elf_t *e) { e->sh[2].sh_name = 0xffffffff; }
static void name_other(elf_t *e) { e->sh[2].sh_name = 1; }
static void name_cut(elf_t *e) { e->sh[1].sh_size = sizeof(names) - 2; }
static void nobits(elf_t *e) { e->sh[2].sh_type = SHT_NOBITS; }
static void data_far(elf_t *e) { e->sh[2].sh_offset = SIZE - 8; }
static void data_wrap(elf_t *e) { e->sh[2].sh_offset = (uint64_t) -8; }
static void data_short(elf_t *e) { e->sh[2].sh_size -= 1; }
static void magic(elf_t *e) { e->m.magic[7] = '2'; }
static void size_short(elf_t *e) { e->m.size -= 1; }
static void size_long(elf_t *e) { e->m.size += 1; }
static void name_empty(elf_t *e) { e->m.name[0] = '\0'; }
static void name_endless(elf_t *e) { memset(e->m.name, 'a', 32); }
static void name_control(elf_t *e) { e->m.name[3] = '\n'; }
static void summary_endless(elf_t *e) { memset(e->m.summary, 'a', 128); }


static void
one_thing_wrong(void **state)
{
    size_t           i;
    elf_t           *e;
    sms_manifest_t   m;

    static const struct {
        spoil_pt      spoil;
        sms_elf_rc_t  rc;
    } cases[] = {
        { not_elf, SMS_ELF_NOT_ELF },
        { bits32, SMS_ELF_WRONG_CLASS },
        { order, SMS_ELF_WRONG_CLASS },
        { machine, SMS_ELF_WRONG_CLASS },
        { program, SMS_ELF_NOT_SHARED },
        { sections_far, SMS_ELF_DAMAGED },
        { sections_wrap, SMS_ELF_DAMAGED },
        { sections_many, SMS_ELF_DAMAGED },
        { sections_none, SMS_ELF_NO_MANIFEST },
        { section_size, SMS_ELF_DAMAGED },
        { names_index, SMS_ELF_DAMAGED },
        { names_type, SMS_ELF_DAMAGED },
        { names_far, SMS_ELF_DAMAGED },
        { names_wrap, SMS_ELF_DAMAGED },
        { name_far, SMS_ELF_NO_MANIFEST },
        { name_other, SMS_ELF_NO_MANIFEST },
        { name_cut, SMS_ELF_NO_MANIFEST },
        { nobits, SMS_ELF_DAMAGED },
        { data_far, SMS_ELF_DAMAGED },
        { data_wrap, SMS_ELF_DAMAGED },
        { data_short, SMS_ELF_BAD_MANIFEST },
        { magic, SMS_ELF_BAD_MANIFEST },
        { size_short, SMS_ELF_BAD_MANIFEST },
        { size_long, SMS_ELF_BAD_MANIFEST },
        { name_empty, SMS_ELF_BAD_MANIFEST },
        { name_endless, SMS_ELF_BAD_MANIFEST },
        { name_control, SMS_ELF_BAD_MANIFEST },
        { summary_endless, SMS_ELF_BAD_MANIFEST }
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        e = elf_create();
        cases[i].spoil(e);
        assert_int_equal(elf_read(e, SIZE, &m), cases[i].rc);
        free(e);
    }
}


/* a later minor has a longer manifest: what is known here is read */
static void
grown_manifest(void **state)
{
    elf_t           *e = elf_create();
    sms_manifest_t   m;

    (void) state;

    e->m.size = sizeof(sms_manifest_t) + 32;
    e->sh[2].sh_size = sizeof(sms_manifest_t) + 32;

    assert_int_equal(elf_read(e, SIZE, &m), SMS_ELF_OK);
    assert_string_equal(m.name, "some_plugin");

    free(e);
}


static void
every_code_has_a_text(void **state)
{
    int          rc;
    const char  *text, *before;

    (void) state;

    before = "";

    for (rc = SMS_ELF_OK; rc <= SMS_ELF_BAD_MANIFEST; rc++) {
        text = sms_elf_manifest_error((sms_elf_rc_t) rc);
        assert_true(strlen(text) > 5);
        assert_string_not_equal(text, before);
        before = text;
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(good_file),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(one_thing_wrong),
        cmocka_unit_test(grown_manifest),
        cmocka_unit_test(every_code_has_a_text)
    };

    return cmocka_run_group_tests_name("sms_elf_manifest", tests, NULL, NULL);
}
