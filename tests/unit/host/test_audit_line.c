#include "test.h"

#include "host/audit_line.h"

#include <stdlib.h>
#include <time.h>

static void assert_shown(const char *line, struct audit_line_view view, const char *shown)
{
    struct buffer out;
    setenv("TZ", "UTC", 1);
    tzset();
    if (view.instance_name == NULL)
        view.instance_name = "default";
    buffer_init(&out, 64 * 1024);
    audit_line_append(&out, bytes_from_text(line), &view);
    assert_bytes(buffer_bytes(&out), shown);
    buffer_done(&out);
}

static void shows_what_is_no_record_without_its_power(void **state)
{
    assert_shown("\x1b[2Jhello", (struct audit_line_view){0}, "not a record: \\x1b[2Jhello\n");
    assert_shown("\x1b[2Jhello", (struct audit_line_view){.is_json = true}, "");
    assert_shown("[]", (struct audit_line_view){.is_denied_only = true}, "");
    assert_shown("", (struct audit_line_view){0}, "");
}

static void offers_no_command_for_a_name_that_a_shell_would_read(void **state)
{
    assert_shown("{\"time\":\"2026-11-23T21:00:00.123Z\",\"kind\":\"dns\",\"decision\":\"deny\","
                 "\"name\":\"$(reboot).example\"}",
                 (struct audit_line_view){0}, "2026-11-23 21:00:00 deny  dns $(reboot).example\n");
    assert_shown("{\"kind\":\"http\",\"decision\":\"deny\",\"name\":\"a.example\",\"port\":443,"
                 "\"method\":\"GET\",\"path\":\"/`id`\"}",
                 (struct audit_line_view){0},
                 "- deny  http a.example:443 GET /`id`\n"
                 "    to allow it: rootcell allow a.example\n");
}

static void escapes_what_a_terminal_would_obey(void **state)
{
    assert_shown("{\"kind\":\"tls\",\"decision\":\"allow\",\"name\":\"\\u001b]0;x\\u0007\"}",
                 (struct audit_line_view){0}, "- allow tls \\x1b]0;x\\x07\n");
    assert_shown("{\"kind\":\"tls\",\"name\":\"\\u202e\"}",
                 (struct audit_line_view){.is_json = true},
                 "{\"kind\":\"tls\",\"name\":\"\\u202E\"}\n");
}

static void offers_the_command_that_would_allow_it(void **state)
{
    assert_shown("{\"time\":\"2026-11-23T21:00:00.123Z\",\"kind\":\"dns\",\"decision\":\"deny\","
                 "\"name\":\"x.example\",\"reason\":\"name-denied\"}",
                 (struct audit_line_view){.instance_name = "work"},
                 "2026-11-23 21:00:00 deny  dns x.example | name-denied\n"
                 "    to allow it: rootcell -i work allow x.example\n");
    assert_shown("{\"kind\":\"ssh\",\"decision\":\"deny\",\"name\":\"x.example\",\"port\":2222}",
                 (struct audit_line_view){0},
                 "- deny  ssh x.example:2222\n"
                 "    to allow it: rootcell allow --ssh x.example:2222\n");
    assert_shown("{\"kind\":\"http\",\"decision\":\"deny\",\"name\":\"x.example\",\"port\":443,"
                 "\"method\":\"POST\",\"path\":\"/a/b?c=d\",\"status\":403}",
                 (struct audit_line_view){0},
                 "- deny  http x.example:443 POST /a/b?c=d -> 403\n"
                 "    to allow it: rootcell allow \"x.example POST /a/b\"\n");
}

static void leaves_out_what_was_allowed_when_asked_to(void **state)
{
    assert_shown("{\"kind\":\"dns\",\"decision\":\"allow\",\"name\":\"x.example\"}",
                 (struct audit_line_view){.is_denied_only = true}, "");
}

RUN_TESTS(cmocka_unit_test(shows_what_is_no_record_without_its_power),
          cmocka_unit_test(offers_no_command_for_a_name_that_a_shell_would_read),
          cmocka_unit_test(escapes_what_a_terminal_would_obey),
          cmocka_unit_test(offers_the_command_that_would_allow_it),
          cmocka_unit_test(leaves_out_what_was_allowed_when_asked_to))
