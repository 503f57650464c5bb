/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes carry trusted identity, and some names make a container read files
 * (CVE-2020-1938): only what is known to be harmless or was allowed goes on. */
#include "map/attributes.h"

#include <string.h>

static const char *const usual[] = {
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

static bool same(ajp_str a, ajp_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static bool one_of(const char *const *list, size_t n, ajp_str name)
{
    for (size_t i = 0; i < n; i++)
        if (same(ajp_str_of(list[i], strlen(list[i])), name))
            return true;
    return false;
}

static bool begins(ajp_str s, const char *with)
{
    size_t n = strlen(with);

    return s.len >= n && memcmp(s.ptr, with, n) == 0;
}

bool attribute_usual(ajp_str name)
{
    return one_of(usual, sizeof(usual) / sizeof(usual[0]), name);
}

/* What web servers say of the client's certificate, beside the coded attribute. */
bool attribute_identity(ajp_str name)
{
    static const char *const certificates[] = {"jakarta.servlet.request.X509Certificate",
                                               "javax.servlet.request.X509Certificate"};

    return begins(name, "CERT_") || begins(name, "SSL_CLIENT_") ||
           one_of(certificates, sizeof(certificates) / sizeof(certificates[0]), name);
}

/* By these the container itself tells a servlet what to serve. */
static bool is_dispatch(ajp_str name)
{
    static const char *const packages[] = {"javax.servlet.", "jakarta.servlet."};
    static const char *const parts[] = {"include.", "forward.", "error."};

    for (size_t i = 0; i < sizeof(packages) / sizeof(packages[0]); i++) {
        size_t n = strlen(packages[i]);

        for (size_t k = 0; begins(name, packages[i]) && k < sizeof(parts) / sizeof(parts[0]); k++)
            if (begins(ajp_str_of(name.ptr + n, name.len - n), parts[k]))
                return true;
    }
    return false;
}

bool attribute_forbidden(ajp_str name)
{
    return name.len == 0 || begins(name, "org.apache.") || is_dispatch(name) ||
           one_of(aliases, sizeof(aliases) / sizeof(aliases[0]), name);
}

bool attribute_listed(const struct rule_list *rules, ajp_str name)
{
    for (size_t i = 0; i < rules->count; i++) {
        const struct attribute_rule *rule = &rules->at[i];

        if ((rule->prefix ? name.len >= rule->name.len : name.len == rule->name.len) &&
            memcmp(name.ptr, rule->name.ptr, rule->name.len) == 0)
            return true;
    }
    return false;
}

ajp_str attribute_renamed(const struct attribute_policy *policy, ajp_str name)
{
    for (size_t i = 0; i < policy->rename.count; i++)
        if (same(policy->rename.at[i].name, name))
            return policy->rename.at[i].value;
    return AJP_NULL;
}

/* Something else goes on under this name. */
static bool is_taken(const struct attribute_policy *policy, ajp_str name)
{
    for (size_t i = 0; i < policy->rename.count; i++)
        if (same(policy->rename.at[i].value, name))
            return true;
    for (size_t i = 0; i < policy->add.count; i++)
        if (same(policy->add.at[i].name, name))
            return true;
    return false;
}

static ajp_str after(const struct attribute_policy *policy, ajp_str name)
{
    ajp_str renamed;

    if (attribute_listed(&policy->deny, name))
        return AJP_NULL;
    renamed = attribute_renamed(policy, name);
    if (renamed.ptr != NULL)
        return renamed;
    return is_taken(policy, name) ? AJP_NULL : name;
}

static ajp_str after_back(const struct attribute_policy *back, ajp_str name)
{
    bool judged = back != NULL && back->allow.count > 0;

    if (judged && !attribute_usual(name) && !attribute_listed(&back->allow, name) &&
        attribute_renamed(back, name).ptr == NULL)
        return AJP_NULL;
    return back != NULL ? after(back, name) : name;
}

ajp_str attribute_at_worker(const struct attribute_policy *front,
                            const struct attribute_policy *back, ajp_str name)
{
    ajp_str first = front != NULL ? after(front, name) : name;

    return first.ptr != NULL ? after_back(back, first) : first;
}

void attributes_add(ajp_writer *w, const struct attribute_policy *front,
                    const struct attribute_policy *back)
{
    for (size_t i = 0; front != NULL && i < front->add.count; i++) {
        ajp_str name = after_back(back, front->add.at[i].name);

        if (name.ptr != NULL)
            ajp_write_named(w, name, front->add.at[i].value);
    }
    for (size_t i = 0; back != NULL && i < back->add.count; i++)
        ajp_write_named(w, back->add.at[i].name, back->add.at[i].value);
}
