/*
 * corpus - main() of a fuzzer that is only to run through its corpus: each file
 * named on the command line, once.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
main(int argc, char **argv)
{
    int       i;
    FILE     *in;
    size_t    n;
    uint8_t  *data;

    data = malloc(1 << 20);

    if (data == NULL) {
        return 1;
    }

    for (i = 1; i < argc; i++) {
        in = fopen(argv[i], "rb");

        if (in == NULL) {
            perror(argv[i]);
            return 1;
        }

        n = fread(data, 1, 1 << 20, in);
        fclose(in);
        LLVMFuzzerTestOneInput(data, n);
    }

    free(data);

    return argc > 1 ? 0 : 1;
}
