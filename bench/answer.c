#include "answer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>


long
answer_length(const char *answer)
{
    const char  *head, *line;

    head = strstr(answer, "\r\n\r\n");
    if (head == NULL) {
        return 0;
    }

    for (line = answer; line < head; line = strstr(line, "\r\n") + 2) {
        if (strncasecmp(line, "Content-Length:", 15) == 0) {
            return head - answer + 4 + strtol(line + 15, NULL, 10);
        }
    }

    return -1;
}
