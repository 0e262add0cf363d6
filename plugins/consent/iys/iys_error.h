/*
 * iys_error.h - İYS's error bodies and what each code asks of us.
 *
 * An error body is {"errors":[{"code","message","location",...}]}, at the
 * token endpoint also {"error":"invalid_grant"} (RFC 6749 5.2).  The texts are
 * Turkish prose that may change: only the code is read.  Some of İYS's own
 * examples spell the member "code:", which is accepted.
 *
 * Pure: no clock, no host.
 */
#ifndef IYS_ERROR_H
#define IYS_ERROR_H

#include "sms_plugin.h"

#define IYS_CODE_MAX    31
#define IYS_FAULTS_MAX  64

typedef enum {
    IYS_ERROR_RETRY = 1,        /* back off, ask again                          */
    IYS_ERROR_NEXT_HOUR,        /* an hourly budget of single queries is spent  */
    IYS_ERROR_SILENT,           /* no token request for a full hour             */
    IYS_ERROR_REAUTH,           /* a new token once                             */
    IYS_ERROR_CREDENTIAL,       /* the user or the password is wrong            */
    IYS_ERROR_STOP_ACCOUNT,     /* nothing more for this iys_code               */
    IYS_ERROR_STOP_BRAND,       /* nothing more for this brand                  */
    IYS_ERROR_ITEM,             /* one number or row is at fault                */
    IYS_ERROR_REQUEST           /* the request is; asking again cannot help     */
} iys_error_class_t;

typedef struct {
    const char *code;
    uint32_t    http;           /* with which the code comes; 0: ours           */
    uint32_t    klass;          /* iys_error_class_t                            */
    const char *meaning;        /* for the log                                  */
} iys_error_t;

typedef struct {
    char     code[IYS_CODE_MAX + 1];    /* [A-Za-z0-9_] only                    */
    int32_t  index;                     /* in the list we sent; -1: not told    */
} iys_fault_t;

typedef struct {
    uint32_t    n;
    iys_fault_t fault[IYS_FAULTS_MAX];
} iys_faults_t;

/* SMS_E_INVAL when the body is no error body; then f->n is 0. */
sms_rc_t iys_error_read(sms_str_t body, iys_faults_t *f);

/* Never NULL: an unknown code is judged by its HTTP status. */
const iys_error_t *iys_error_find(uint32_t http, const char *code);

/* The first fault that the table knows decides, else the status. */
const iys_error_t *iys_error_judge(uint32_t http, const iys_faults_t *f);

/* The table's entry of a code, also of ours; NULL: none. */
const iys_error_t *iys_error_of(const char *code, size_t len);

/* The table's own copy of a code, "halted" for one that it does not hold. */
const char *iys_error_literal(const char *code, size_t len);

#endif /* IYS_ERROR_H */
