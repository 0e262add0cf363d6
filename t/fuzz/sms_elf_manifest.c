/* A plugin file is whatever lies in a directory: no bytes may harm the master. */
#include "../../ngx_sms_module/plugin/sms_elf_manifest.c"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sms_manifest_t  m;
    sms_elf_rc_t    rc;

    rc = sms_elf_manifest_read(data, size, &m);

    assert(sms_elf_manifest_error(rc)[0] != '\0');

    if (rc == SMS_ELF_OK) {
        assert(size >= sizeof(m) && m.size >= sizeof(m));
        assert(strnlen(m.name, sizeof(m.name)) > 0);
        assert(strnlen(m.name, sizeof(m.name)) < sizeof(m.name));
        assert(strnlen(m.version, sizeof(m.version)) < sizeof(m.version));
        assert(strnlen(m.license, sizeof(m.license)) < sizeof(m.license));
        assert(strnlen(m.summary, sizeof(m.summary)) < sizeof(m.summary));
    }

    return 0;
}
