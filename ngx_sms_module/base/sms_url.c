#include "sms_url.h"

#include <string.h>
#include <strings.h>


/* under which a bare name is taken for an address: "ornek.com", "bit.ly" */
static const char *const  sms_url_tops[] = {
    "app", "biz", "cc", "click", "club", "co", "com", "de", "edu", "eu", "gd", "gl",
    "gov", "info", "io", "ist", "istanbul", "link", "live", "ly", "me", "mobi", "net",
    "online", "org", "page", "shop", "site", "store", "top", "tr", "tv", "uk", "us",
    "web", "xyz"
};


/* octets of a name; those of UTF-8 belong to names in other scripts */
static int
sms_url_octet(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
           || c == '-' || (unsigned char) c >= 0x80;
}


static int
sms_url_letters(const char *p, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (!((p[i] >= 'a' && p[i] <= 'z') || (p[i] >= 'A' && p[i] <= 'Z'))) {
            return 0;
        }
    }

    return 1;
}


static int
sms_url_top(const char *p, size_t n)
{
    size_t  i;

    for (i = 0; i < sizeof(sms_url_tops) / sizeof(sms_url_tops[0]); i++) {
        if (strlen(sms_url_tops[i]) == n && strncasecmp(sms_url_tops[i], p, n) == 0) {
            return 1;
        }
    }

    return 0;
}


/* 1: the run of name octets and dots is an address; "path": a '/' and more follow */
static int
sms_url_host(const char *p, size_t n, int path)
{
    size_t  dot;

    while (n && p[n - 1] == '.') {
        n--;
    }

    for (dot = n; dot && p[dot - 1] != '.'; dot--) {
        /* to what is behind the last dot */
    }

    if (dot < 2 || p[dot - 2] == '.') {
        return 0;
    }

    if (n > 4 && strncasecmp(p, "www.", 4) == 0) {
        return 1;
    }

    return sms_url_top(p + dot, n - dot)
           || (path && n - dot >= 2 && sms_url_letters(p + dot, n - dot));
}


int
sms_url_find(const char *p, size_t n, size_t *begin, size_t *len)
{
    size_t  i, end;

    for (i = 0; i < n; i = end + 1) {

        for (end = i; end < n && (sms_url_octet(p[end]) || p[end] == '.'); end++) {
            /* a run of what names are made of */
        }

        if (n - end > 3 && memcmp(p + end, "://", 3) == 0
            && ((end - i >= 4 && strncasecmp(p + end - 4, "http", 4) == 0)
                || (end - i >= 5 && strncasecmp(p + end - 5, "https", 5) == 0))
            && (unsigned char) p[end + 3] > ' ')
        {
            break;
        }

        if ((i == 0 || p[i - 1] != '@') && (end == n || p[end] != '@')
            && sms_url_host(p + i, end - i,
                            n - end > 1 && p[end] == '/' && sms_url_octet(p[end + 1])))
        {
            break;
        }
    }

    if (i >= n) {
        return 0;
    }

    for (end = i; end < n && (unsigned char) p[end] > ' '; end++) {
        /* to the next blank */
    }

    *begin = i;
    *len = end - i;

    return 1;
}
