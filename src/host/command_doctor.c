#include "host/command.h"

#include "base/memory.h"
#include "base/printable.h"
#include "host/doctor.h"

#include <stdio.h>
#include <stdlib.h>

static void print_text(const struct doctor_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        const struct doctor_finding *finding = &report->findings[i];
        printf("%-4s  %-16s %s\n", doctor_verdict_name(finding->verdict), finding->name,
               finding->text);
        if (*finding->remedy)
            printf("      %-16s to mend it: %s\n", "", finding->remedy);
    }
}

/* RFC 8259 section 7. The texts are our own, with paths in them: those may hold any byte. */
static void print_json_text(const char *text)
{
    struct bytes rest = bytes_from_text(text);
    putchar('"');
    while (rest.length > 0) {
        uint32_t ignored;
        size_t length = printable_next_code_point(rest, &ignored);
        uint8_t byte = rest.data[0];
        if (byte == '"' || byte == '\\')
            printf("\\%c", byte);
        else if (byte < 0x20 || length == 0)
            printf("\\u%04x", byte);
        else
            fwrite(rest.data, 1, length, stdout);
        rest = bytes_from(rest, length == 0 ? 1 : length);
    }
    putchar('"');
}

static void print_json(const struct doctor_report *report)
{
    printf("[");
    for (size_t i = 0; i < report->count; i++) {
        const struct doctor_finding *finding = &report->findings[i];
        printf("%s\n  {\"name\":", i > 0 ? "," : "");
        print_json_text(finding->name);
        printf(",\"verdict\":\"%s\",\"text\":", doctor_verdict_name(finding->verdict));
        print_json_text(finding->text);
        printf(",\"remedy\":");
        print_json_text(finding->remedy);
        printf("}");
    }
    printf("\n]\n");
}

static bool is_all_well(const struct doctor_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        if (report->findings[i].verdict == DOCTOR_BAD)
            return false;
    }
    return true;
}

int command_doctor(const struct invocation *invocation)
{
    struct home home;
    struct error error;
    if (!home_find(&home, &error))
        return command_finish(false, "doctor", &error);
    struct doctor_report *report = memory_new(sizeof(*report));
    doctor_examine(report, &home, invocation->instance);
    if (invocation_has(invocation, "json"))
        print_json(report);
    else
        print_text(report);
    bool is_well = is_all_well(report);
    free(report);
    home_done(&home);
    return is_well ? EXIT_STATUS_OK : EXIT_STATUS_FAILED;
}
