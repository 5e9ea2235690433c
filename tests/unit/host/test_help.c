#include "test.h"

#include "host/completion.h"
#include "host/help.h"
#include "host/settings.h"
#include "system/file.h"

#include <stdio.h>
#include <stdlib.h>

/* The file of the source tree, found from where this one is. */
static void read_golden(const char *name, struct buffer *text)
{
    char path[1024];
    struct error error;
    int length = (int)(strstr(__FILE__, "tests/unit/host/") - __FILE__);
    snprintf(path, sizeof(path), "%.*s%s", length, __FILE__, name);
    assert_true(file_read(path, text, &error));
}

/* After a change of the table: build/src/host/rootcell help --manual >docs/man/rootcell.1 */
static void manual_page_is_the_one_in_docs(void **state)
{
    struct buffer made, golden;
    buffer_init(&made, HELP_BYTES_LIMIT);
    buffer_init(&golden, HELP_BYTES_LIMIT);
    help_append_manual(&made);
    read_golden("docs/man/rootcell.1", &golden);
    assert_true(bytes_equal(buffer_bytes(&made), buffer_bytes(&golden)));
    buffer_done(&made);
    buffer_done(&golden);
}

static void every_setting_has_its_words(void **state)
{
    struct buffer page;
    buffer_init(&page, HELP_BYTES_LIMIT);
    read_golden("docs/man/rootcell-env.5", &page);
    char *text = bytes_copy_text(buffer_bytes(&page));
    for (size_t i = 0; settings_name(i); i++)
        assert_non_null(strstr(text, settings_name(i)));
    free(text);
    buffer_done(&page);
}

static size_t count_of(const char *text, const char *word)
{
    size_t count = 0;
    for (; (text = strstr(text, word)); text += strlen(word))
        count++;
    return count;
}

/* The viewer reads its options itself; each stands in its page, too. */
static void options_of_spy_are_those_of_the_viewer(void **state)
{
    struct buffer source, page;
    buffer_init(&source, HELP_BYTES_LIMIT);
    buffer_init(&page, HELP_BYTES_LIMIT);
    read_golden("src/spy/spy_options.c", &source);
    read_golden("docs/man/rootcell-spy.1", &page);
    char *rows = bytes_copy_text(buffer_bytes(&source));
    char *words = bytes_copy_text(buffer_bytes(&page));
    size_t count = 0;
    for (const struct command_option *row = command_find("spy")->options; row->name; row++) {
        char expected[300], option[60];
        snprintf(expected, sizeof(expected), "{\"%s\", %s%s%s, \"%s\"}", row->name,
                 row->value ? "\"" : "", row->value ? row->value : "NULL", row->value ? "\"" : "",
                 row->summary);
        assert_non_null(strstr(rows, expected));
        size_t length = (size_t)snprintf(option, sizeof(option), "\\-\\-");
        for (const char *letter = row->name; *letter; letter++)
            length += (size_t)snprintf(option + length, sizeof(option) - length, "%s%c",
                                       *letter == '-' ? "\\" : "", *letter);
        assert_non_null(strstr(words, option));
        count++;
    }
    /* --help and --version are everywhere. */
    assert_int_equal(count + 2, count_of(rows, "    [OPTION_"));
    free(rows);
    free(words);
    buffer_done(&source);
    buffer_done(&page);
}

static void every_command_has_its_words(void **state)
{
    for (const struct command *row = command_table; row->name; row++) {
        struct buffer text;
        buffer_init(&text, HELP_BYTES_LIMIT);
        assert_true(strlen(row->summary) > 0 && strlen(row->summary) < 70);
        assert_true(strlen(row->description) > 0);
        assert_non_null(row->run);
        help_append_command(&text, row);
        struct bytes rest = buffer_bytes(&text), line;
        while (bytes_next_token(&rest, '\n', &line))
            assert_true(line.length <= 80);
        buffer_done(&text);
    }
}

static void overview_names_every_command(void **state)
{
    struct buffer text;
    buffer_init(&text, HELP_BYTES_LIMIT);
    help_append_overview(&text);
    char *overview = bytes_copy_text(buffer_bytes(&text));
    for (const struct command *row = command_table; row->name; row++)
        assert_non_null(strstr(overview, row->summary));
    free(overview);
    buffer_done(&text);
}

static void completions_offer_every_command_and_option(void **state)
{
    static const char *const shells[] = {"bash", "zsh", "fish"};
    for (size_t i = 0; i < 3; i++) {
        struct buffer text;
        buffer_init(&text, HELP_BYTES_LIMIT);
        completion_append(&text, shells[i]);
        char *script = bytes_copy_text(buffer_bytes(&text));
        for (const struct command *row = command_table; row->name; row++) {
            assert_non_null(strstr(script, row->name));
            for (size_t j = 0; row->options && row->options[j].name; j++)
                assert_non_null(strstr(script, row->options[j].name));
        }
        free(script);
        buffer_done(&text);
    }
}

RUN_TESTS(cmocka_unit_test(manual_page_is_the_one_in_docs),
          cmocka_unit_test(options_of_spy_are_those_of_the_viewer),
          cmocka_unit_test(every_setting_has_its_words),
          cmocka_unit_test(every_command_has_its_words),
          cmocka_unit_test(overview_names_every_command),
          cmocka_unit_test(completions_offer_every_command_and_option))
