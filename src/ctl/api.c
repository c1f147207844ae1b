/* SPDX-License-Identifier: Apache-2.0 */
/* Client of the admin API (api.h). */
#include "ctl/api.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/buf.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "base/text/percent.h"

const char *api_socket(const struct ctl_common *common)
{
    if (common && common->socket)
        return common->socket;
    const char *set = getenv("CMG_ADMIN_SOCKET");
    return set && *set ? set : CTL_SOCKET_DEFAULT;
}

char *api_escape(const char *segment)
{
    struct slice s = slice_of(segment);
    char *ret = mem_zalloc(PERCENT_MAX * s.len + 1);
    (void)percent_encode(s, PERCENT_UNRESERVED, ret);
    return ret;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct buf *b = arg;
    return buf_append(b, slice_make(data, size * count)) == OK ? size * count : 0;
}

static CURL *new_handle(const char *url, const char *method, struct buf *answer, char error_text[CURL_ERROR_SIZE])
{
    CURL *curl = curl_easy_init();
    if (!curl)
        fatal("libcurl does not start");
    error_text[0] = '\0';
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L); /* an id ".." must not become another path */
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
    (void)curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)API_TIMEOUT_S);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error_text);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    return curl;
}

/* What went wrong before there was an answer, and what to do about it. */
static enum result fail_unreachable(CURLcode code, const char *socket, const char *error_text, struct ctl_fault *fault)
{
    (void)snprintf(fault->where, sizeof fault->where, "admin socket %s", socket);
    if (code == CURLE_COULDNT_CONNECT) {
        bool forbidden = access(socket, W_OK) != 0 && errno == EACCES; /* of the socket, or of a folder above it */
        (void)snprintf(
            fault->remedy, sizeof fault->remedy, "%s",
            forbidden ? "run as root, or join the group opencmg-reader (to see), opencmg-operator (devices, policies) "
                        "or opencmg-admin (all): usermod -aG GROUP USER, then log in anew; when you are in one, "
                        "the socket's folder must let its members through"
                      : "start cmg-mp on this machine; does it run? Its socket is what admin_socket in its mp.yaml "
                        "names: give that with --socket PATH or CMG_ADMIN_SOCKET");
        return error_set(&fault->what, R_IO, "%s",
                         forbidden ? "this user may not use the admin socket (permission denied)"
                                   : "no management point answers there");
    }
    (void)snprintf(fault->remedy, sizeof fault->remedy, "look into the log of cmg-mp");
    return error_set(&fault->what, code == CURLE_OPERATION_TIMEDOUT ? R_TIMEOUT : R_IO, "%s",
                     error_text[0] ? error_text : curl_easy_strerror(code));
}

static enum result code_of_status(long status)
{
    static const struct {
        long status;
        enum result code;
    } codes[] = {{400, R_INVALID},  {401, R_DENIED}, {403, R_DENIED},  {404, R_NOTFOUND},
                 {409, R_CONFLICT}, {413, R_LIMIT},  {422, R_INVALID}, {429, R_LIMIT}};
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        if (codes[i].status == status)
            return codes[i].code;
    }
    return R_IO;
}

/* A problem document (RFC 9457) or whatever stands in its place. */
static enum result refused(long status, const json_t *answer, const char *method, const char *path,
                           struct ctl_fault *fault)
{
    fault->status = (int)status;
    (void)snprintf(fault->where, sizeof fault->where, "%s %s", method, path);
    (void)snprintf(fault->code, sizeof fault->code, "%s", json_opt_str(answer, "code", ""));
    (void)snprintf(fault->remedy, sizeof fault->remedy, "%s", json_opt_str(answer, "remedy", ""));
    (void)snprintf(fault->request_id, sizeof fault->request_id, "%s", json_opt_str(answer, "request_id", ""));
    const char *detail = json_opt_str(answer, "detail", json_opt_str(answer, "title", NULL));
    if (detail)
        return error_set(&fault->what, code_of_status(status), "%s", detail);
    return error_set(&fault->what, code_of_status(status), "the management point answered %ld", status);
}

static enum result judge(long status, struct slice text, const char *method, const char *path, json_t **ret,
                         struct ctl_fault *fault)
{
    json_t *answer = NULL;
    struct error parse_error;
    enum result parsed = text.len == 0 ? OK : json_parse(text, API_BODY_MAX, &answer, &parse_error);
    if (status < 200 || status > 299) {
        enum result r = refused(status, answer, method, path, fault);
        json_decref(answer);
        return r;
    }
    if (parsed != OK) {
        (void)snprintf(fault->where, sizeof fault->where, "%s %s", method, path);
        (void)snprintf(fault->remedy, sizeof fault->remedy, "use cmg and cmg-mp of the same version");
        return error_set(&fault->what, R_INVALID, "the answer is no JSON: %s", parse_error.text);
    }
    if (ret)
        *ret = answer;
    else
        json_decref(answer);
    return OK;
}

static struct curl_slist *header_list(void)
{
    static const char *const lines[] = {"Content-Type: application/json", "Accept: application/json", "Expect:"};
    struct curl_slist *list = NULL;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct curl_slist *longer = curl_slist_append(list, lines[i]);
        if (!longer)
            fatal("out of memory");
        list = longer;
    }
    return list;
}

static bool socket_fits(const char *socket, struct ctl_fault *fault)
{
    *fault = (struct ctl_fault){0};
    if (strlen(socket) < sizeof(((struct sockaddr_un *)0)->sun_path))
        return true;
    (void)snprintf(fault->where, sizeof fault->where, "--socket");
    (void)error_set(&fault->what, R_INVALID, "the path of the admin socket is too long for a Unix socket");
    return false;
}

enum result api_call(const char *socket, const char *method, const char *path, const json_t *body, json_t **ret,
                     struct ctl_fault *fault)
{
    struct buf answer, url;
    char error_text[CURL_ERROR_SIZE];
    if (ret)
        *ret = NULL;
    if (!socket_fits(socket, fault))
        return R_INVALID;
    buf_init_secret(&answer, API_BODY_MAX); /* bootstrap files, bulk tokens */
    buf_init(&url, 8192);
    if (buf_printf(&url, "http://localhost%s", path) != OK) {
        buf_free(&url);
        return error_set(&fault->what, R_LIMIT, "an argument is too long");
    }
    char *url_text = buf_take_str(&url);
    CURL *curl = new_handle(url_text, method, &answer, error_text);
    struct curl_slist *headers = header_list();
    char *body_text = body ? json_text(body) : NULL;
    (void)curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (body_text)
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body_text);
    CURLcode code = curl_easy_perform(curl);
    long status = 0;
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    enum result r = code != CURLE_OK ? fail_unreachable(code, socket, error_text, fault)
                                     : judge(status, buf_data(&answer), method, path, ret, fault);
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    if (body_text)
        mem_free_secret(body_text, strlen(body_text));
    free(url_text);
    buf_free(&answer);
    return r;
}

static size_t on_read(char *data, size_t size, size_t count, void *arg)
{
    const struct api_upload *file = arg;
    ssize_t n = read(file->fd, data, size * count);
    return n < 0 ? CURL_READFUNC_ABORT : (size_t)n;
}

static int on_moved(void *arg, curl_off_t down_size, curl_off_t down, curl_off_t up_size, curl_off_t up)
{
    const struct api_upload *file = arg;
    (void)down_size, (void)down, (void)up_size;
    if (file->on_progress)
        file->on_progress(file->arg, (uint64_t)up);
    return 0;
}

static void set_upload(CURL *curl, const struct api_upload *file)
{
    (void)curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)file->size);
    (void)curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
    (void)curl_easy_setopt(curl, CURLOPT_READDATA, file);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_moved);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFODATA, file);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)API_TIMEOUT_S);
}

enum result api_put_file(const char *socket, const char *path, const struct api_upload *file, struct ctl_fault *fault)
{
    struct buf answer;
    char error_text[CURL_ERROR_SIZE], url[1024];
    if (!socket_fits(socket, fault))
        return R_INVALID;
    buf_init(&answer, API_BODY_MAX);
    (void)snprintf(url, sizeof url, "http://localhost%s", path);
    CURL *curl = new_handle(url, "PUT", &answer, error_text);
    (void)curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket);
    set_upload(curl, file);
    CURLcode code = curl_easy_perform(curl);
    long status = 0;
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    enum result r = code != CURLE_OK && !status ? fail_unreachable(code, socket, error_text, fault)
                                                : judge(status, buf_data(&answer), "PUT", path, NULL, fault);
    curl_easy_cleanup(curl);
    buf_free(&answer);
    return r;
}

enum result api_probe(const char *url, long *ret_status, struct error *err)
{
    struct buf answer;
    char error_text[CURL_ERROR_SIZE];
    buf_init(&answer, 65536);
    CURL *curl = new_handle(url, "GET", &answer, error_text);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, 2L);
    CURLcode code = curl_easy_perform(curl);
    *ret_status = 0;
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, ret_status);
    struct slice body = slice_trim(buf_data(&answer));
    enum result r = OK;
    if (code != CURLE_OK)
        r = error_set(err, R_IO, "%s", error_text[0] ? error_text : curl_easy_strerror(code));
    else if (*ret_status != 200)
        r = error_set(err, R_AGAIN, "%ld %.*s", *ret_status, (int)(body.len < 300 ? body.len : 300),
                      body.ptr ? body.ptr : "");
    curl_easy_cleanup(curl);
    buf_free(&answer);
    return r;
}
