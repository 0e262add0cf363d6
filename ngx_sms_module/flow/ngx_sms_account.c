#include "ngx_sms_account.h"

#include <jansson.h>

#include "sms_uuid.h"
#include "sms_word.h"


static ngx_sms_account_t *ngx_sms_profile_account(json_t *root, ngx_log_t *log,
    const char **why);
static ngx_int_t ngx_sms_profile_brands(ngx_sms_account_t *account,
    json_t *list);
static ngx_int_t ngx_sms_profile_senders(ngx_sms_account_t *account,
    json_t *list);
static ngx_int_t ngx_sms_profile_attrs(ngx_sms_account_t *account,
    json_t *map);
static ngx_int_t ngx_sms_profile_severities(ngx_sms_account_t *account,
    json_t *map);
static ngx_int_t ngx_sms_profile_waivers(ngx_sms_account_t *account,
    json_t *list);
static ngx_int_t ngx_sms_profile_key(ngx_sms_key_t *key, json_t *object);
static ngx_int_t ngx_sms_profile_str(ngx_pool_t *pool, json_t *object,
    const char *name, ngx_str_t *out);
static ngx_int_t ngx_sms_profile_sms_str(ngx_pool_t *pool, json_t *object,
    const char *name, sms_str_t *out);
static ngx_int_t ngx_sms_profile_uuid(json_t *object, const char *name,
    u_char out[16]);
static int64_t ngx_sms_profile_int(json_t *object, const char *name);
static int ngx_sms_profile_word(json_t *value, const sms_word_t *table);


ngx_sms_key_t *
ngx_sms_account_key_read(const char *json, size_t len, const u_char hash[32],
    ngx_log_t *log, const char **why)
{
    json_t             *root, *object;
    ngx_sms_key_t      *key;
    ngx_sms_account_t  *account;

    key = NULL;
    account = NULL;
    root = json_loadb(json, len, 0, NULL);

    object = json_object_get(root, "key");
    if (!json_is_object(object)) {
        *why = "no key in the profile";
        goto done;
    }

    account = ngx_sms_profile_account(root, log, why);
    if (account == NULL) {
        goto done;
    }

    *why = "key";

    key = ngx_pcalloc(account->pool, sizeof(ngx_sms_key_t));
    if (key == NULL) {
        goto done;
    }

    key->account = account;
    ngx_memcpy(key->hash, hash, 32);

    if (ngx_sms_profile_key(key, object) != NGX_OK) {
        key = NULL;
    }

done:

    if (key == NULL && account) {
        ngx_sms_account_release(account);
    }

    json_decref(root);

    return key;
}


ngx_sms_account_t *
ngx_sms_account_read(const char *json, size_t len, ngx_log_t *log,
    const char **why)
{
    json_t             *root;
    ngx_sms_account_t  *account;

    root = json_loadb(json, len, 0, NULL);
    account = ngx_sms_profile_account(root, log, why);
    json_decref(root);

    return account;
}


void
ngx_sms_account_hold(ngx_sms_account_t *account)
{
    account->holders++;
}


void
ngx_sms_account_release(ngx_sms_account_t *account)
{
    if (--account->holders == 0) {
        ngx_destroy_pool(account->pool);
    }
}


static ngx_sms_account_t *
ngx_sms_profile_account(json_t *root, ngx_log_t *log, const char **why)
{
    int                 value;
    size_t              i;
    json_t             *object, *item;
    const char         *state, *unit;
    ngx_pool_t         *pool;
    ngx_sms_account_t  *account;

    object = json_object_get(root, "account");
    if (!json_is_object(object)) {
        *why = "no account in the profile";
        return NULL;
    }

    pool = ngx_create_pool(4096, log);
    if (pool == NULL) {
        *why = "no memory";
        return NULL;
    }

    account = ngx_pcalloc(pool, sizeof(ngx_sms_account_t));
    if (account == NULL) {
        *why = "no memory";
        goto failed;
    }

    account->pool = pool;
    account->holders = 1;
    account->id = ngx_sms_profile_int(object, "id");
    account->tariff = (uint32_t) ngx_sms_profile_int(object, "tariff");
    account->rate = (ngx_uint_t) ngx_sms_profile_int(object, "rate");
    ngx_sms_pace_read(&account->pace, object);

    *why = "account.public_id";

    if (ngx_sms_profile_uuid(object, "public_id", account->public_id)
        != NGX_OK)
    {
        goto failed;
    }

    state = json_string_value(json_object_get(object, "state"));
    unit = json_string_value(json_object_get(object, "unit"));

    *why = "account.state or account.unit";

    if (state == NULL || unit == NULL || ngx_strlen(unit) > 3) {
        goto failed;
    }

    account->state = ngx_strcmp(state, "active") == 0 ? NGX_SMS_ACCOUNT_ACTIVE
                     : ngx_strcmp(state, "suspended") == 0
                       ? NGX_SMS_ACCOUNT_SUSPENDED
                     : NGX_SMS_ACCOUNT_CLOSED;
    ngx_memcpy(account->unit, unit, ngx_strlen(unit));

    state = json_string_value(json_object_get(object, "shift"));
    if (state && ngx_strcmp(state, "locking") == 0) {
        account->encoding.shift = SMS_SEGMENT_SHIFT_LOCKING;
    }

    if (json_is_true(json_object_get(object, "suffix"))) {
        account->encoding.suffix = SMS_SEGMENT_SUFFIX_DEFAULT;
    }

    value = (int) ngx_sms_profile_int(object, "max_parts");
    if (value > 0 && value <= SMS_SEGMENT_PARTS_MAX) {
        account->encoding.max_parts = (uint8_t) value;
    }

    json_array_foreach(json_object_get(object, "exemptions"), i, item) {
        value = ngx_sms_profile_word(item, sms_word_exemption);
        if (value > 0) {
            account->exemptions |= (ngx_uint_t) 1 << value;
        }
    }

    value = ngx_sms_profile_word(json_object_get(object, "basis_default"),
                                 sms_word_basis);
    account->basis_default = value > 0 ? (ngx_uint_t) value : 0;

    *why = "attrs, brands, senders, severities or waivers";

    if (ngx_sms_profile_attrs(account, json_object_get(object, "attrs"))
        != NGX_OK
        || ngx_sms_profile_severities(account,
                                      json_object_get(object, "severity"))
           != NGX_OK
        || ngx_sms_profile_waivers(account,
                                   json_object_get(object, "waivers"))
           != NGX_OK
        || ngx_sms_profile_brands(account, json_object_get(root, "brands"))
           != NGX_OK
        || ngx_sms_profile_senders(account, json_object_get(root, "senders"))
           != NGX_OK)
    {
        goto failed;
    }

    return account;

failed:

    ngx_destroy_pool(pool);

    return NULL;
}


static ngx_int_t
ngx_sms_profile_attrs(ngx_sms_account_t *account, json_t *map)
{
    size_t       len, n;
    u_char      *p;
    json_t      *item;
    sms_kv_t    *kv;
    const char  *name;

    n = json_object_size(map);

    if (n == 0) {
        return NGX_OK;
    }

    account->attrs = ngx_pcalloc(account->pool, n * sizeof(sms_kv_t));
    if (account->attrs == NULL) {
        return NGX_ERROR;
    }

    json_object_foreach(map, name, item) {

        if (!json_is_string(item) || account->nattrs == SMS_ATTRS_MAX) {
            continue;
        }

        len = ngx_strlen(name);
        p = ngx_pnalloc(account->pool, len + json_string_length(item));

        if (p == NULL) {
            return NGX_ERROR;
        }

        kv = &account->attrs[account->nattrs++];
        kv->name.ptr = (const char *) p;
        kv->name.len = len;
        kv->value.ptr = (const char *) p + len;
        kv->value.len = json_string_length(item);
        p = ngx_cpymem(p, name, len);
        ngx_memcpy(p, json_string_value(item), kv->value.len);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_sms_profile_severities(ngx_sms_account_t *account, json_t *map)
{
    int                  value;
    json_t              *item;
    const char          *code;
    ngx_sms_severity_t  *severity;

    if (ngx_array_init(&account->severities, account->pool, 4,
                       sizeof(ngx_sms_severity_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    json_object_foreach(map, code, item) {

        value = ngx_sms_profile_word(item, sms_word_severity);
        if (value < 0) {
            continue;
        }

        severity = ngx_array_push(&account->severities);
        if (severity == NULL) {
            return NGX_ERROR;
        }

        severity->severity = (ngx_uint_t) value;
        severity->code.len = ngx_strlen(code);
        severity->code.data = ngx_pnalloc(account->pool, severity->code.len);

        if (severity->code.data == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(severity->code.data, code, severity->code.len);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_sms_profile_waivers(ngx_sms_account_t *account, json_t *list)
{
    int                value;
    size_t             i;
    json_t            *item;
    ngx_sms_waiver_t  *waiver;

    if (ngx_array_init(&account->waivers, account->pool,
                       ngx_max(json_array_size(list), 1),
                       sizeof(ngx_sms_waiver_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    json_array_foreach(list, i, item) {

        value = ngx_sms_profile_word(json_object_get(item, "severity"),
                                     sms_word_severity);
        if (value < 0) {
            continue;
        }

        waiver = ngx_array_push(&account->waivers);
        if (waiver == NULL) {
            return NGX_ERROR;
        }

        waiver->severity = (ngx_uint_t) value;
        waiver->until = (time_t) ngx_sms_profile_int(item, "until");

        if (ngx_sms_profile_str(account->pool, item, "id", &waiver->id)
            != NGX_OK
            || ngx_sms_profile_str(account->pool, item, "code", &waiver->code)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_sms_profile_brands(ngx_sms_account_t *account, json_t *list)
{
    int               kind;
    size_t            i;
    json_t           *item;
    ngx_pool_t       *pool;
    const char       *standing;
    sms_brand_t      *b;
    ngx_sms_brand_t  *brand;

    pool = account->pool;

    if (ngx_array_init(&account->brands, pool, json_array_size(list) + 1,
                       sizeof(ngx_sms_brand_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    json_array_foreach(list, i, item) {

        brand = ngx_array_push(&account->brands);
        if (brand == NULL) {
            return NGX_ERROR;
        }

        ngx_memzero(brand, sizeof(ngx_sms_brand_t));
        b = &brand->b;
        kind = ngx_sms_profile_word(json_object_get(item, "owner_kind"),
                                    sms_word_owner_kind);

        b->size = sizeof(sms_brand_t);
        b->owner_kind = kind > 0 ? (uint32_t) kind : SMS_OWNER_UNKNOWN;
        b->id = (uint64_t) ngx_sms_profile_int(item, "id");
        b->owner_account = (uint64_t) ngx_sms_profile_int(item,
                                                          "owner_account");
        b->iys_code = (uint32_t) ngx_sms_profile_int(item, "iys_code");
        b->brand_code = (uint32_t) ngx_sms_profile_int(item, "brand_code");
        b->retailer_code = (uint32_t) ngx_sms_profile_int(item,
                                                          "retailer_code");
        b->reject_free = json_is_true(json_object_get(item, "reject_free"));
        brand->late = json_is_true(json_object_get(item, "late"));
        standing = json_string_value(json_object_get(item, "standing"));

        if (standing != NULL) {
            brand->no_right = strcmp(standing, "no-right") == 0;
            brand->no_subscription = strcmp(standing, "no-subscription") == 0;
        }

        if (ngx_sms_profile_uuid(item, "public_id", brand->public_id) != NGX_OK
            || ngx_sms_profile_sms_str(pool, item, "name", &b->name) != NGX_OK
            || ngx_sms_profile_sms_str(pool, item, "title", &b->title)
               != NGX_OK
            || ngx_sms_profile_sms_str(pool, item, "mersis", &b->mersis)
               != NGX_OK
            || ngx_sms_profile_sms_str(pool, item, "vkn", &b->vkn) != NGX_OK
            || ngx_sms_profile_sms_str(pool, item, "tckn", &b->tckn) != NGX_OK
            || ngx_sms_profile_sms_str(pool, item, "registry_no",
                                       &b->registry_no)
               != NGX_OK
            || ngx_sms_profile_sms_str(pool, item, "reject_keyword",
                                       &b->reject_keyword)
               != NGX_OK
            || ngx_sms_profile_sms_str(pool, item, "reject_number",
                                       &b->reject_number)
               != NGX_OK
            || ngx_sms_profile_sms_str(pool, item, "contact", &b->contact)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_sms_profile_senders(ngx_sms_account_t *account, json_t *list)
{
    int                value;
    size_t             i, k, len;
    json_t            *item, *word;
    const char        *name;
    ngx_str_t         *op;
    ngx_sms_sender_t  *sender;

    if (ngx_array_init(&account->senders, account->pool,
                       json_array_size(list) + 1, sizeof(ngx_sms_sender_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    json_array_foreach(list, i, item) {

        sender = ngx_array_push(&account->senders);
        if (sender == NULL) {
            return NGX_ERROR;
        }

        ngx_memzero(sender, sizeof(ngx_sms_sender_t));

        if (ngx_sms_profile_str(account->pool, item, "sender", &sender->name)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        sender->brand = ngx_sms_account_brand_no(account,
                             (uint64_t) ngx_sms_profile_int(item, "brand"));

        json_array_foreach(json_object_get(item, "classes"), k, word) {
            value = ngx_sms_profile_word(word, sms_word_class);
            if (value > 0) {
                sender->classes |= (ngx_uint_t) 1 << value;
            }
        }

        json_array_foreach(json_object_get(item, "operators"), k, word) {

            name = json_string_value(word);

            if (name == NULL || sender->noperators == NGX_SMS_OPERATORS_MAX) {
                continue;
            }

            len = json_string_length(word);
            op = &sender->operators[sender->noperators];
            op->data = ngx_pnalloc(account->pool, len);

            if (op->data == NULL) {
                return NGX_ERROR;
            }

            ngx_memcpy(op->data, name, len);
            op->len = len;
            sender->noperators++;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_sms_profile_key(ngx_sms_key_t *key, json_t *object)
{
    int          value;
    size_t       i;
    json_t      *item;
    ngx_str_t    text;
    ngx_pool_t  *pool;
    const char  *mode;
    ngx_cidr_t  *cidr;

    pool = key->account->pool;

    if (ngx_sms_profile_str(pool, object, "id", &key->id) != NGX_OK
        || ngx_array_init(&key->ranges, pool, 4, sizeof(ngx_cidr_t)) != NGX_OK)
    {
        return NGX_ERROR;
    }

    key->no = ngx_sms_profile_int(object, "key_no");
    mode = json_string_value(json_object_get(object, "mode"));
    key->test = mode == NULL || ngx_strcmp(mode, "live") != 0;
    key->ip_waived = json_is_true(json_object_get(object, "ip_waived"));
    key->revoked = json_is_true(json_object_get(object, "revoked"));

    json_array_foreach(json_object_get(object, "scopes"), i, item) {
        value = ngx_sms_profile_word(item, sms_word_scope);
        if (value > 0) {
            key->scopes |= (ngx_uint_t) value;
        }
    }

    json_array_foreach(json_object_get(object, "ip"), i, item) {

        if (!json_is_string(item)) {
            return NGX_ERROR;
        }

        text.len = json_string_length(item);
        text.data = ngx_pnalloc(pool, text.len + 1);

        if (text.data == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(text.data, json_string_value(item), text.len + 1);

        cidr = ngx_array_push(&key->ranges);

        /* a range that cannot be read must not silently allow or drop others */
        if (cidr == NULL || ngx_ptocidr(&text, cidr) == NGX_ERROR) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_sms_brand_t *
ngx_sms_account_brand(ngx_sms_account_t *account, const u_char id[16])
{
    ngx_uint_t        i;
    ngx_sms_brand_t  *brand;

    brand = account->brands.elts;

    for (i = 0; i < account->brands.nelts; i++) {
        if (ngx_memcmp(brand[i].public_id, id, 16) == 0) {
            return &brand[i];
        }
    }

    return NULL;
}


ngx_sms_brand_t *
ngx_sms_account_brand_no(ngx_sms_account_t *account, uint64_t no)
{
    ngx_uint_t        i;
    ngx_sms_brand_t  *brand;

    brand = account->brands.elts;

    for (i = 0; i < account->brands.nelts; i++) {
        if (brand[i].b.id == no) {
            return &brand[i];
        }
    }

    return NULL;
}


ngx_sms_sender_t *
ngx_sms_account_sender(ngx_sms_account_t *account, const ngx_str_t *name)
{
    ngx_uint_t         i;
    ngx_sms_sender_t  *sender;

    sender = account->senders.elts;

    for (i = 0; i < account->senders.nelts; i++) {
        if (sender[i].name.len == name->len
            && ngx_memcmp(sender[i].name.data, name->data, name->len) == 0)
        {
            return &sender[i];
        }
    }

    return NULL;
}


ngx_uint_t
ngx_sms_account_severity(ngx_sms_account_t *account, sms_str_t code,
    ngx_uint_t proposed)
{
    ngx_uint_t           i;
    ngx_sms_severity_t  *severity;

    severity = account->severities.elts;

    for (i = 0; i < account->severities.nelts; i++) {
        if (severity[i].code.len == code.len
            && ngx_memcmp(severity[i].code.data, code.ptr, code.len) == 0)
        {
            return severity[i].severity;
        }
    }

    return proposed;
}


ngx_uint_t
ngx_sms_account_judged(ngx_sms_account_t *account, const sms_finding_t *f,
    time_t now, ngx_sms_waiver_t **out)
{
    ngx_uint_t         i, severity, floor, proposed;
    ngx_sms_waiver_t  *waiver;

    floor = f->floor;
    proposed = f->severity;
    waiver = account->waivers.elts;

    for (i = 0; i < account->waivers.nelts; i++) {
        if (waiver[i].until > now && waiver[i].code.len == f->code.len
            && ngx_memcmp(waiver[i].code.data, f->code.ptr, f->code.len) == 0)
        {
            floor = ngx_min(floor, waiver[i].severity);
            proposed = ngx_min(proposed, waiver[i].severity);
            break;
        }
    }

    severity = ngx_max(ngx_sms_account_severity(account, f->code, proposed),
                       floor);

    if (out) {
        *out = severity < ngx_max(f->floor, f->severity)
               && i < account->waivers.nelts ? &waiver[i] : NULL;
    }

    return severity;
}


static ngx_int_t
ngx_sms_profile_str(ngx_pool_t *pool, json_t *object, const char *name,
    ngx_str_t *out)
{
    json_t  *value;

    out->len = 0;
    out->data = (u_char *) "";

    value = json_object_get(object, name);
    if (!json_is_string(value)) {
        return NGX_OK;
    }

    out->len = json_string_length(value);
    out->data = ngx_pnalloc(pool, out->len + 1);

    if (out->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(out->data, json_string_value(value), out->len + 1);

    return NGX_OK;
}


static ngx_int_t
ngx_sms_profile_sms_str(ngx_pool_t *pool, json_t *object, const char *name,
    sms_str_t *out)
{
    ngx_str_t  s;

    if (ngx_sms_profile_str(pool, object, name, &s) != NGX_OK) {
        return NGX_ERROR;
    }

    out->ptr = (const char *) s.data;
    out->len = s.len;

    return NGX_OK;
}


static ngx_int_t
ngx_sms_profile_uuid(json_t *object, const char *name, u_char out[16])
{
    json_t  *value;

    value = json_object_get(object, name);

    if (!json_is_string(value)
        || sms_uuid_parse(json_string_value(value), json_string_length(value),
                          out)
           != 0)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static int64_t
ngx_sms_profile_int(json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}


static int
ngx_sms_profile_word(json_t *value, const sms_word_t *table)
{
    if (!json_is_string(value)) {
        return -1;
    }

    return sms_word_value(table, json_string_value(value),
                          json_string_length(value));
}
