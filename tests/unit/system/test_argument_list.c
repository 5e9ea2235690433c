#include "test.h"

#include "system/argument_list.h"

#include <stdlib.h>

static void quotes_what_a_shell_would_read_otherwise(void **state)
{
    CLEANUP_ARGUMENTS struct argument_list list = {0};
    argument_list_add_all(&list, "echo", "", "a b", "it's", "$(reboot)", "x\ny", NULL);
    char *text = argument_list_quote(&list);
    assert_string_equal(text, "echo '' 'a b' 'it'\\''s' '$(reboot)' 'x\ny'");
    free(text);
}

static void leaves_plain_words_alone(void **state)
{
    CLEANUP_ARGUMENTS struct argument_list list = {0};
    argument_list_add(&list, "/usr/bin/env");
    argument_list_add_format(&list, "A=%d", 7);
    char *text = argument_list_quote(&list);
    assert_string_equal(text, "/usr/bin/env A=7");
    free(text);
    assert_null(list.texts[2]);
}

RUN_TESTS(cmocka_unit_test(quotes_what_a_shell_would_read_otherwise),
          cmocka_unit_test(leaves_plain_words_alone))
