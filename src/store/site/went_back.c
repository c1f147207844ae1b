/* SPDX-License-Identifier: Apache-2.0 */
/* The row of table went_back. */
#include "store/site/went_back.h"

#include "store/row.h"

static void read_went_back(struct store_reader *r, void *ret)
{
    struct store_went_back *w = ret;
    w->at = store_read_int(r, 0);
    w->whom = store_read_text(r, 1);
    w->held = store_read_int(r, 2);
    w->own = store_read_int(r, 3);
}

enum result store_went_back_get(struct store *s, struct arena *a, struct store_went_back *ret, struct error *err)
{
    static const struct store_select select = {"SELECT at, whom, held, own FROM went_back", sizeof *ret,
                                               read_went_back};
    return store_select_one(s, &select, STORE_NO_PARAMS, a, ret, "sign of an older copy", err);
}

enum result store_went_back_put(struct store *s, const struct store_went_back *w, struct error *err)
{
    return store_exec(s,
                      "INSERT INTO went_back (id, at, whom, held, own) VALUES (1, $1, $2, $3, $4) "
                      "ON CONFLICT (id) DO UPDATE SET at = $1, whom = $2, held = $3, own = $4",
                      STORE_PARAMS(STORE_N(w->at), STORE_T(w->whom), STORE_N(w->held), STORE_N(w->own)), NULL, err);
}

enum result store_went_back_settle(struct store *s, struct error *err)
{
    return store_change(s, "DELETE FROM went_back", STORE_NO_PARAMS, "sign that an older copy of the store is in use",
                        err);
}
