/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks that differ: each is told for its own, unless all others agree, and then it is the site's that is wrong. */
#include "mp/status/problems_part.h"

struct clocks {
    char whose[300]; /* "gateway gw1, connector cp1" */
    size_t heard;    /* roles that told their time */
    int64_t least, most;
};

/* "3 days 4 h", "12 min", "40 s": the two largest units of it. */
static void duration(int64_t seconds, char ret[48])
{
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {{86400, "day"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    int64_t left = seconds < 0 ? -seconds : seconds;
    size_t i = 0;
    while (left < units[i].seconds && i + 1 < ARRAY_LEN(units))
        i++;
    int64_t whole = left / units[i].seconds;
    int64_t rest = i + 1 < ARRAY_LEN(units) ? left % units[i].seconds / units[i + 1].seconds : 0;
    const char *plural = i == 0 && whole != 1 ? "s" : "";
    if (rest)
        (void)snprintf(ret, 48, "%lld %s%s %lld %s", (long long)whole, units[i].name, plural, (long long)rest,
                       units[i + 1].name);
    else
        (void)snprintf(ret, 48, "%lld %s%s", (long long)whole, units[i].name, plural);
}

typedef void clock_fn(const json_t *role, const char *kind, int64_t ahead, void *arg);

/* Of those who are heard of and told their time. */
static void each(const json_t *status, int64_t now, clock_fn *fn, void *arg)
{
    static const char *const kinds[][2] = {{"gateways", "gateway"}, {"connectors", "connector"}};
    const json_t *role;
    size_t i;
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        json_array_foreach(json_object_get(status, kinds[k][0]), i, role) {
            if (!mp_role_silent(role, now) && json_is_integer(json_object_get(role, "ahead_s")))
                fn(role, kinds[k][1], json_opt_int(role, "ahead_s", 0), arg);
        }
    }
}

static void gather(const json_t *role, const char *kind, int64_t ahead, void *arg)
{
    struct clocks *c = arg;
    size_t used = strlen(c->whose);
    (void)snprintf(c->whose + used, sizeof c->whose - used, "%s%s %.64s", used ? ", " : "", kind,
                   json_opt_str(role, "id", ""));
    c->least = c->heard == 0 || ahead < c->least ? ahead : c->least;
    c->most = c->heard == 0 || ahead > c->most ? ahead : c->most;
    c->heard++;
}

static void tell(const json_t *role, const char *kind, int64_t ahead, void *arg)
{
    static const struct mp_problem skew = {
        "clock_skew",
        "set the clock of the machine that is named, and let it follow a time service there (timedatectl "
        "set-ntp true; date -u shows it): certificates, tokens and signatures are judged by it. Told anew "
        "each minute"};
    const char *id = json_opt_str(role, "id", "");
    char much[48], there[CLOCK_TEXT_SIZE], here[CLOCK_TEXT_SIZE];
    int64_t seen = json_opt_int(role, "seen", 0);
    if (llabs((long long)ahead) <= MP_SKEW_S)
        return;
    duration(ahead, much);
    clock_rfc3339(seen, here);
    clock_rfc3339(seen + ahead, there);
    mp_problem_add(arg, &skew, id,
                   "the clock of %s %s is %s (%lld s) %s the site's: it was %s there when it was %s here", kind, id,
                   much, llabs((long long)ahead), ahead > 0 ? "ahead of" : "behind", there, here);
}

static bool agree_against_the_site(const struct clocks *c)
{
    bool one_side = c->least > MP_SKEW_S || c->most < -MP_SKEW_S;
    return c->heard > 1 && one_side && c->most - c->least <= MP_SKEW_S;
}

void mp_problems_clocks(json_t *list, const json_t *status, int64_t now)
{
    static const struct mp_problem own = {
        "clock_skew", "set the clock of the machine where cmg-mp runs, and let it follow a time service there "
                      "(timedatectl set-ntp true; date -u shows it); if it is right, those of the machines that are "
                      "named. Told anew each minute"};
    struct clocks c = {.heard = 0};
    char much[48], here[CLOCK_TEXT_SIZE];
    each(status, now, gather, &c);
    if (!agree_against_the_site(&c)) {
        each(status, now, tell, list);
        return;
    }
    duration(c.least, much);
    clock_rfc3339(now, here);
    mp_problem_add(list, &own, "site",
                   "the clock of the management point is %s (%lld s) %s those of %s, which agree: it is %s here", much,
                   llabs((long long)c.least), c.least > 0 ? "behind" : "ahead of", c.whose, here);
}
