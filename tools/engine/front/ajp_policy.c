/* SPDX-License-Identifier: Apache-2.0 */
/* The secret, and what the listener's attribute policy refuses. */
#include "front/ajp_policy.h"

#include "map/attributes.h"

#include <string.h>

static bool allowed(const struct attribute_policy *policy, ajp_str name)
{
    if (attribute_listed(&policy->deny, name))
        return false;
    return attribute_usual(name) || attribute_listed(&policy->allow, name) ||
           attribute_renamed(policy, name).ptr != NULL;
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
static bool dropped(const struct listener_settings *listener, bool trusted, const ajp_attr_view *a,
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
    case AJP_ATTR_JVM_ROUTE:
    case AJP_ATTR_SSL_CERT:
        return !listener->trust_identity || !trusted;
    case AJP_ATTR_NAMED:
        if (attribute_forbidden(a->name)) {
            *v = (struct ajp_verdict){.status = 403,
                                      .why = REFUSED_ATTRIBUTE,
                                      .reason = "forbidden request attribute",
                                      .advice = "app servers act on it: no setting lets it through",
                                      .attribute = a->name};
            return true;
        }
        if (a->name.len == 15 && memcmp(a->name.ptr, "AJP_REMOTE_PORT", 15) == 0 &&
            bad_port(a->value))
            return true;
        if (allowed(&listener->attributes, a->name))
            return (!listener->trust_identity || !trusted) && attribute_identity(a->name);
        if (listener->reaction == REACTION_DENY)
            *v = (struct ajp_verdict){
                .status = 403,
                .why = REFUSED_ATTRIBUTE,
                .reason = "request attribute not allowed",
                .advice = "list it in the listener's attributes, or set attribute_reaction: drop",
                .attribute = a->name};
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

static struct ajp_verdict wrong_secret(const ajp_request *r)
{
    bool missing = ajp_request_attr(r, AJP_ATTR_SECRET).ptr == NULL;

    return (struct ajp_verdict){
        .status = 403,
        .why = REFUSED_SECRET,
        .reason = missing ? "the secret is missing" : "the secret is wrong",
        .advice = "give the web server the secret of this listener (mod_jk: worker.NAME.secret, "
                  "mod_proxy_ajp: secret=)"};
}

struct ajp_verdict ajp_policy(const struct listener_settings *listener, const ajp_request *r,
                              bool trusted)
{
    struct ajp_verdict v = {0};
    ajp_attrs it = r->attrs;
    ajp_attr_view a;

    if (!secret_right(listener, ajp_request_attr(r, AJP_ATTR_SECRET)))
        return wrong_secret(r);
    if (!target_is_path(r))
        return (struct ajp_verdict){.status = 400,
                                    .why = REFUSED_TARGET,
                                    .reason = "request target is not a path",
                                    .advice = "the web server must send a path"};
    while (ajp_attr_next(&it, &a)) {
        if (dropped(listener, trusted, &a, &v))
            v.drop |= UINT64_C(1) << a.index;
        if (v.status != 0)
            break;
    }
    return v;
}
