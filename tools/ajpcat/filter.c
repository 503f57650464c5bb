/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of filters, and their evaluation. */
#include "filter.h"

#include "ending.h"

#include <stdlib.h>
#include <string.h>

static bool get_text(const char *s, struct text *string)
{
    if (s)
        text_str(string, s);
    return s != NULL;
}

static bool get_peer(const struct peer *p, struct text *string)
{
    char s[PEER_TEXT];
    peer_format(p, s);
    return get_text(s, string);
}

static bool get_ms(uint64_t from, uint64_t to, double *number)
{
    *number = ((double)to - (double)from) / 1e6;
    return to != 0;
}

#define GET(name) static bool name(const struct exchange *e, double *number, struct text *string)
#define GET_TEXT(name, value)                                                                      \
    GET(name)                                                                                      \
    {                                                                                              \
        (void)number;                                                                              \
        return get_text(value, string);                                                            \
    }
#define GET_NUMBER(name, value, there)                                                             \
    GET(name)                                                                                      \
    {                                                                                              \
        (void)string;                                                                              \
        *number = (double)(value);                                                                 \
        return there;                                                                              \
    }

GET_TEXT(get_kind, exchange_kind(e))
GET_TEXT(get_method, e->method)
GET_TEXT(get_uri, e->uri)
GET_TEXT(get_query, e->query)
GET_TEXT(get_protocol, e->protocol)
GET_TEXT(get_route, e->route)
GET_TEXT(get_ending, ending_name(e))
GET_TEXT(get_speech, e->speech)
GET_NUMBER(get_status, e->status, e->status != 0)
GET_NUMBER(get_connection, e->connection, true)
GET_NUMBER(get_index, e->index, true)
GET_NUMBER(get_frame, e->frame, true)
GET_NUMBER(get_up, e->request.bytes, true)
GET_NUMBER(get_down, e->response.bytes, true)
GET_NUMBER(get_complete, e->complete, true)
GET_NUMBER(get_reuse, e->reuse, true)
GET_NUMBER(get_problems, e->problem_count, true)
GET_NUMBER(get_quirks, e->quirk_count, true)

GET(get_client)
{
    (void)number;
    return get_peer(&e->client, string);
}

GET(get_server)
{
    (void)number;
    return get_peer(&e->server, string);
}

GET(get_time)
{
    (void)string;
    return get_ms(e->start_ns, e->end_ns, number);
}

GET(get_first)
{
    (void)string;
    return get_ms(e->start_ns, e->first_ns, number);
}

GET(get_waited)
{
    uint64_t ns;
    (void)string;
    bool waited = ending_waited(e, &ns);
    *number = waited ? (double)ns / 1e6 : 0;
    return waited;
}

const struct filter_field filter_fields[] = {{"kind", TYPE_TEXT, get_kind},
                                             {"method", TYPE_TEXT, get_method},
                                             {"uri", TYPE_TEXT, get_uri},
                                             {"query", TYPE_TEXT, get_query},
                                             {"protocol", TYPE_TEXT, get_protocol},
                                             {"route", TYPE_TEXT, get_route},
                                             {"ending", TYPE_TEXT, get_ending},
                                             {"speech", TYPE_TEXT, get_speech},
                                             {"client", TYPE_TEXT, get_client},
                                             {"server", TYPE_TEXT, get_server},
                                             {"status", TYPE_NUMBER, get_status},
                                             {"connection", TYPE_NUMBER, get_connection},
                                             {"index", TYPE_NUMBER, get_index},
                                             {"frame", TYPE_NUMBER, get_frame},
                                             {"up", TYPE_NUMBER, get_up},
                                             {"down", TYPE_NUMBER, get_down},
                                             {"problems", TYPE_NUMBER, get_problems},
                                             {"quirks", TYPE_NUMBER, get_quirks},
                                             {"time", TYPE_TIME, get_time},
                                             {"first", TYPE_TIME, get_first},
                                             {"waited", TYPE_TIME, get_waited},
                                             {"complete", TYPE_BOOL, get_complete},
                                             {"reuse", TYPE_BOOL, get_reuse},
                                             {0}};

static bool holds(enum filter_op op, int order)
{
    switch (op) {
    case OP_EQ:
        return order == 0;
    case OP_NE:
        return order != 0;
    case OP_LT:
        return order < 0;
    case OP_LE:
        return order <= 0;
    case OP_GT:
        return order > 0;
    case OP_GE:
        return order >= 0;
    default: /* matches and truth are decided elsewhere */
        return false;
    }
}

static bool test_text(const struct filter_node *n, const struct text *value)
{
    const char *s = value->at ? value->at : "";
    if (n->has_regex)
        return (regexec(&n->regex, s, 0, NULL, 0) == 0) == (n->op == OP_MATCH);
    return holds(n->op, strcmp(s, n->string.at ? n->string.at : ""));
}

static bool test(const struct filter_node *n, const struct exchange *e)
{
    double number = 0;
    struct text string = {0};
    bool result;
    bool there = n->field->get(e, &number, &string);
    if (n->is_null)
        result = there == (n->op == OP_NE);
    else if (!there) /* what is not there is unequal to everything */
        result = n->op == OP_NE || n->op == OP_NO_MATCH;
    else if (n->op == OP_TRUE)
        result = number != 0;
    else if (n->field->type == TYPE_TEXT)
        result = test_text(n, &string);
    else
        result = holds(n->op, number < n->number ? -1 : number > n->number);
    text_free(&string);
    return result;
}

bool filter_accepts(const struct filter_node *n, const struct exchange *e)
{
    switch (n->kind) {
    case NODE_AND:
        return filter_accepts(n->left, e) && filter_accepts(n->right, e);
    case NODE_OR:
        return filter_accepts(n->left, e) || filter_accepts(n->right, e);
    case NODE_NOT:
        return !filter_accepts(n->left, e);
    case NODE_TEST:
        return test(n, e);
    }
    return false;
}

void filter_free(struct filter_node *n)
{
    if (!n)
        return;
    filter_free(n->left);
    filter_free(n->right);
    if (n->has_regex)
        regfree(&n->regex);
    text_free(&n->string);
    free(n);
}
