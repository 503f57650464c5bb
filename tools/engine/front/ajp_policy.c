/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes carry trusted identity, and some names make a container read files
 * (CVE-2020-1938): only what is known to be harmless or was allowed goes on. */
#include "front/ajp_policy.h"

#include <string.h>

/* What web servers send, and Tomcat takes, by itself. */
static const char *const harmless[] = {
    "AJP_LOCAL_ADDR",
    "AJP_REMOTE_PORT",
    "AJP_SSL_PROTOCOL",
    "JK_LB_ACTIVATION",
    "CERT_COOKIE",
    "CERT_FLAGS",
    "CERT_ISSUER",
    "CERT_SERIALNUMBER",
    "CERT_SUBJECT",
    "HTTPS_KEYSIZE",
    "HTTPS_SECRETKEYSIZE",
    "HTTPS_SERVER_ISSUER",
    "HTTPS_SERVER_SUBJECT",
    "jakarta.servlet.request.X509Certificate",
    "jakarta.servlet.request.cipher_suite",
    "jakarta.servlet.request.key_size",
    "jakarta.servlet.request.secure_protocol",
    "jakarta.servlet.request.ssl_session",
    "jakarta.servlet.request.ssl_session_id",
    "javax.servlet.request.X509Certificate",
    "javax.servlet.request.cipher_suite",
    "javax.servlet.request.key_size",
    "javax.servlet.request.secure_protocol",
    "javax.servlet.request.ssl_session",
    "javax.servlet.request.ssl_session_id",
};

/* Undertow takes an attribute of such a name for the coded one. */
static const char *const aliases[] = {
    "context",       "servlet_path", "remote_user", "auth_type",     "query_string",
    "route",         "jvm_route",    "ssl_cert",    "ssl_cipher",    "ssl_session",
    "req_attribute", "ssl_key_size", "secret",      "stored_method",
};

static bool listed(const char *const *list, size_t n, ajp_str name)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(list[i]) == name.len && memcmp(list[i], name.ptr, name.len) == 0)
            return true;
    return false;
}

static bool begins(ajp_str s, const char *with)
{
    size_t n = strlen(with);

    return s.len >= n && memcmp(s.ptr, with, n) == 0;
}

/* Never, whatever the settings say. */
static bool forbidden(ajp_str name)
{
    static const char *const parts[] = {"include.", "forward.", "error."};

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        ajp_str rest = name;

        if (begins(name, "javax.servlet."))
            rest = ajp_str_of(name.ptr + 14, name.len - 14);
        else if (begins(name, "jakarta.servlet."))
            rest = ajp_str_of(name.ptr + 16, name.len - 16);
        else
            break;
        if (begins(rest, parts[i]))
            return true;
    }
    return begins(name, "org.apache.") || name.len == 0 ||
           listed(aliases, sizeof(aliases) / sizeof(aliases[0]), name);
}

static bool allowed(const struct listener_settings *listener, ajp_str name)
{
    if (listed(harmless, sizeof(harmless) / sizeof(harmless[0]), name))
        return true;
    for (size_t i = 0; i < listener->attribute_count; i++) {
        const struct attribute_rule *rule = &listener->attributes[i];

        if ((rule->prefix ? name.len >= rule->name.len : name.len == rule->name.len) &&
            memcmp(name.ptr, rule->name.ptr, rule->name.len) == 0)
            return true;
    }
    return false;
}

/* Tomcat ignores such a value, Undertow fails on it. */
static bool bad_port(ajp_str v)
{
    uint32_t port = 0;

    if (v.len == 0 || v.len > 5)
        return true;
    for (size_t i = 0; i < v.len; i++) {
        if (v.ptr[i] < '0' || v.ptr[i] > '9')
            return true;
        port = port * 10 + (uint32_t)(v.ptr[i] - '0');
    }
    return port > 65535;
}

bool secret_equal(ajp_str given, ajp_str wanted)
{
    size_t different = given.len ^ wanted.len;

    for (size_t i = 0; i < given.len; i++) {
        size_t at = wanted.len > 0 ? i % wanted.len : 0;

        different |= (size_t)((uint8_t)given.ptr[i] ^ (uint8_t)wanted.ptr[at]);
    }
    return different == 0;
}

static bool secret_right(const struct listener_settings *listener, ajp_str given)
{
    bool current, next;

    if (listener->secret.ptr == NULL)
        return true;
    if (given.ptr == NULL)
        return false;
    current = secret_equal(given, listener->secret);
    next = listener->secret_next.ptr != NULL && secret_equal(given, listener->secret_next);
    return current || next;
}

/* What becomes of one attribute: true when it does not go on. */
static bool dropped(const struct listener_settings *listener, const ajp_attr_view *a,
                    struct ajp_verdict *v)
{
    switch (a->code) {
    case AJP_ATTR_SECRET: /* each hop has its own */
        return listener->profile != PROFILE_TRANSPARENT || listener->secret.ptr != NULL;
    case AJP_ATTR_CONTEXT:
    case AJP_ATTR_SERVLET_PATH:
        return true;
    case AJP_ATTR_REMOTE_USER:
    case AJP_ATTR_AUTH_TYPE:
    case AJP_ATTR_SSL_CERT:
        return !listener->trust_identity;
    case AJP_ATTR_NAMED:
        if (forbidden(a->name)) {
            *v = (struct ajp_verdict){.status = 403, .reason = "forbidden request attribute"};
            return true;
        }
        if (a->name.len == 15 && memcmp(a->name.ptr, "AJP_REMOTE_PORT", 15) == 0)
            return bad_port(a->value);
        if (allowed(listener, a->name))
            return false;
        if (listener->reaction == REACTION_DENY)
            *v = (struct ajp_verdict){.status = 403, .reason = "request attribute not allowed"};
        return true;
    default:
        return false;
    }
}

/* An absolute one would replace the Host header in Tomcat. */
static bool target_is_path(const ajp_request *r)
{
    bool options = r->method.len == 7 && memcmp(r->method.ptr, "OPTIONS", 7) == 0;

    return r->uri.ptr[0] == '/' || (r->uri.len == 1 && r->uri.ptr[0] == '*' && options);
}

struct ajp_verdict ajp_policy(const struct listener_settings *listener, const ajp_request *r)
{
    struct ajp_verdict v = {0};
    ajp_attrs it = r->attrs;
    ajp_attr_view a;

    if (!secret_right(listener, ajp_request_attr(r, AJP_ATTR_SECRET)))
        return (struct ajp_verdict){.status = 403, .reason = "secret is missing or wrong"};
    if (!target_is_path(r))
        return (struct ajp_verdict){.status = 400, .reason = "request target is not a path"};
    while (ajp_attr_next(&it, &a)) {
        if (dropped(listener, &a, &v))
            v.drop |= UINT64_C(1) << a.index;
        if (v.status != 0)
            break;
    }
    return v;
}
