/* SPDX-License-Identifier: Apache-2.0 */
/* By the code that a start runs, or beside it. What runs already is no fault: the check may be of
 * the file of a daemon at work. */
#include "run/preflight.h"

#include "admin/address.h"
#include "base/path.h"
#include "config/draft.h"
#include "net/listener.h"
#include "net/local.h"

#include <stdio.h>
#include <string.h>

static void check_socket(struct draft *draft, const char *key, const char *path)
{
    char why[256];

    if (!local_may_listen(path, why, sizeof(why)))
        draft_blame_top(draft, NULL, key, "expected a path where a Unix socket can be, got %s: %s",
                        path, why);
}

static void check_admin(struct draft *draft, bool checking)
{
    const struct settings *set = draft->settings;
    char why[256];

    if (set->admin.ptr == NULL)
        return;
    if (!admin_is_address(set->admin.ptr))
        draft_blame_top(draft, NULL, "admin",
                        "expected unix:PATH, or 127.0.0.1:PORT or another port on loopback, got "
                        "\"%s\"",
                        set->admin.ptr);
    else if (checking && admin_path(set->admin.ptr) != NULL)
        check_socket(draft, "admin", admin_path(set->admin.ptr));
    if (checking && set->admin_group.ptr != NULL &&
        !local_may_give(set->admin_group.ptr, why, sizeof(why)))
        draft_blame_top(draft, NULL, "admin_group", "expected a group of this user's, got %s: %s",
                        set->admin_group.ptr, why);
}

/* A listener's address cannot be the admin server's too. */
static void check_apart(struct draft *draft)
{
    const char *admin = draft->settings->admin.ptr;
    char address[300], any[32];

    for (size_t i = 0; admin != NULL && i < draft->listener_count; i++) {
        const struct listener_settings *l = &draft->listeners[i];

        if (l->host.ptr == NULL || l->port == 0)
            continue;
        snprintf(address, sizeof(address), "%s:%u", l->host.ptr, l->port);
        snprintf(any, sizeof(any), "127.0.0.1:%u", l->port);
        if (strcmp(admin, address) == 0 ||
            (strcmp(l->host.ptr, "0.0.0.0") == 0 && strcmp(admin, any) == 0))
            draft_blame_top(draft, NULL, "admin",
                            "expected an address of its own, %s is a listener's", address);
    }
}

static void check_access_log(struct draft *draft)
{
    const char *path = draft->settings->access_log.ptr;
    int rc = path != NULL && strcmp(path, "-") != 0 ? path_may_append(path) : 0;

    if (rc != 0)
        draft_blame_top(draft, "access_log", "file",
                        "expected a file that can be written, got %s: %s", path, strerror(rc));
}

static void check_listeners(struct draft *draft)
{
    for (size_t i = 0; i < draft->listener_count; i++) {
        const struct listener_settings *l = &draft->listeners[i];
        int rc = l->host.ptr != NULL ? listener_may_bind(l->host.ptr, l->port) : 0;

        if (rc != 0)
            draft_blame_entry(draft, &draft->listener_notes[i], "listen", "url",
                              "expected an address to listen on, got %s:%u: %s", l->host.ptr,
                              l->port, strerror(-rc));
    }
}

void preflight(struct draft *draft, bool checking)
{
    check_admin(draft, checking);
    check_apart(draft);
    if (!checking)
        return;
    if (draft->settings->tap.ptr != NULL)
        check_socket(draft, "tap", draft->settings->tap.ptr);
    check_access_log(draft);
    check_listeners(draft);
}
