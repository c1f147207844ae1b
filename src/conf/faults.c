/* SPDX-License-Identifier: Apache-2.0 */
/* The list of faults and warnings: bounded, each with the line of what was loaded, and how it is printed. */
#include "conf/conf.h"

#include <stdarg.h>

static void add(struct conf_fault *list, size_t *count, size_t max, size_t line, const char *fmt, va_list args)
    PRINTF_LIKE(5, 0);
static void add(struct conf_fault *list, size_t *count, size_t max, size_t line, const char *fmt, va_list args)
{
    if (*count == max)
        return;
    struct conf_fault *fault = &list[(*count)++];
    fault->line = line;
    (void)vsnprintf(fault->text, sizeof fault->text, fmt, args);
}

/* Of a block and its first member, which begin at the same place, the member's. */
static size_t line_of_value(const struct conf_faults *f, const void *value)
{
    for (size_t i = f->place_count; i-- > 0;) {
        if (f->places[i].value == value)
            return f->places[i].line;
    }
    return 0;
}

void conf_fault_add(struct conf_faults *f, size_t line, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add(f->list, &f->count, CONF_FAULTS_MAX, line, fmt, args);
    va_end(args);
}

void conf_fault_of(struct conf_faults *f, const void *value, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add(f->list, &f->count, CONF_FAULTS_MAX, line_of_value(f, value), fmt, args);
    va_end(args);
}

void conf_warning_of(struct conf_faults *f, const void *value, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add(f->warnings, &f->warning_count, CONF_WARNINGS_MAX, line_of_value(f, value), fmt, args);
    va_end(args);
}

static void print_fault(const struct conf_fault *fault, const char *path, const char *kind, FILE *out)
{
    if (fault->line)
        (void)fprintf(out, "%s:%zu: %s%s\n", path, fault->line, kind, fault->text);
    else
        (void)fprintf(out, "%s: %s%s\n", path, kind, fault->text);
}

void conf_faults_print(const struct conf_faults *f, const char *path, FILE *out)
{
    for (size_t i = 0; i < f->count; i++)
        print_fault(&f->list[i], path, "", out);
    for (size_t i = 0; i < f->warning_count; i++)
        print_fault(&f->warnings[i], path, "warning: ", out);
}
