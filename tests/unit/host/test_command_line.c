#include "test.h"

#include "host/command_line.h"

#include <stdlib.h>

/* Words separated by one space, "" for an empty one. */
static bool parse(const char *line, const char *environment, struct invocation *invocation,
                  struct error *error)
{
    CLEANUP_ARGUMENTS struct argument_list arguments = {0};
    char *none[] = {NULL};
    struct bytes rest = bytes_from_text(line), word;
    while (*line && bytes_next_token(&rest, ' ', &word)) {
        char *text = bytes_copy_text(word);
        argument_list_add(&arguments, strcmp(text, "\"\"") == 0 ? "" : text);
        free(text);
    }
    return command_line_parse(arguments.count ? arguments.texts : none, environment, invocation,
                              error);
}

static void assert_refused(const char *line, const char *reason)
{
    struct invocation invocation;
    struct error error;
    assert_false(parse(line, NULL, &invocation, &error));
    assert_string_equal(error.text, reason);
}

static void refuses_what_it_does_not_know(void **state)
{
    assert_refused("-x", "-x: no such option; see `rootcell help`");
    assert_refused("\"\"", "\"\": an empty word names no command; see `rootcell help`");
    assert_refused("list --wide", "--wide: no such option; see `rootcell help list`");
    assert_refused("list -f", "-f: no such option; see `rootcell help list`");
    assert_refused("list more", "more: not expected here; see `rootcell help list`");
    assert_refused("image", "image: something is missing after it; see `rootcell help image`");
    assert_refused("image burn", "burn: no such word; see `rootcell help image`");
    assert_refused("completion tcsh", "tcsh: no such word; see `rootcell help completion`");
    assert_refused("-i", "-i: needs a NAME after it; see `rootcell help`");
    assert_refused("list --instance",
                   "--instance: needs a NAME after it; see `rootcell help list`");
}

static void refuses_instance_names_that_lead_elsewhere(void **state)
{
    struct invocation invocation;
    struct error error;
    assert_false(parse("-i ../x list", NULL, &invocation, &error));
    assert_false(parse("list --instance=", NULL, &invocation, &error));
    assert_false(parse("list", "a/b", &invocation, &error));
    assert_non_null(strstr(error.text, "ROOTCELL_INSTANCE: instance name"));
    assert_true(parse("list -i good", "a/b", &invocation, &error));
    invocation_done(&invocation);
}

static void assert_command(const char *line, const char *name, const char *instance,
                           const char *operands)
{
    struct invocation invocation;
    struct error error;
    assert_true(parse(line, NULL, &invocation, &error));
    assert_string_equal(invocation.command->name, name);
    assert_string_equal(invocation.instance, instance);
    char *quoted = argument_list_quote(&invocation.operands);
    assert_string_equal(quoted, operands);
    free(quoted);
    invocation_done(&invocation);
}

static void takes_the_instance_before_and_after_a_command_of_ours(void **state)
{
    assert_command("-i work list", "list", "work", "");
    assert_command("list -i work", "list", "work", "");
    assert_command("list --instance=work", "list", "work", "");
    assert_command("--instance work list --json", "list", "work", "");
    assert_command("-iwork stop", "stop", "work", "");
    assert_command("", "", "default", "");
    assert_command("-i work", "", "work", "");
}

static void passes_a_program_for_the_vm_as_it_is(void **state)
{
    assert_command("pi -i x --help -- y", "", "default", "pi -i x --help -- y");
    assert_command("-- list --json", "", "default", "list --json");
    assert_command("-i work -- -x", "", "work", "-x");
    assert_command("ls \"\"", "", "default", "ls ''");
    assert_command("--", "", "default", "");
}

static void turns_help_options_into_the_help_command(void **state)
{
    assert_command("--help", "help", "default", "");
    assert_command("-h", "help", "default", "");
    assert_command("allow x --help", "help", "default", "allow");
    assert_command("--version", "--version", "default", "");
}

static void notes_options_and_takes_operands_after_two_dashes(void **state)
{
    struct invocation invocation;
    struct error error;
    assert_true(parse("log -f --denied", NULL, &invocation, &error));
    assert_true(invocation_has(&invocation, "follow"));
    assert_true(invocation_has(&invocation, "denied"));
    assert_false(invocation_has(&invocation, "json"));
    invocation_done(&invocation);
    assert_command("allow a.example -- --ssh", "allow", "default", "a.example --ssh");
}

static void takes_the_environment_s_instance_when_none_is_given(void **state)
{
    struct invocation invocation;
    struct error error;
    assert_true(parse("list", "work", &invocation, &error));
    assert_string_equal(invocation.instance, "work");
    invocation_done(&invocation);
    assert_true(parse("list -i other", "work", &invocation, &error));
    assert_string_equal(invocation.instance, "other");
    invocation_done(&invocation);
    assert_true(parse("list", "", &invocation, &error));
    assert_string_equal(invocation.instance, "default");
    invocation_done(&invocation);
}

static void assert_passed_on(const char *line, const char *words)
{
    struct invocation invocation;
    struct error error;
    assert_true(parse(line, NULL, &invocation, &error));
    assert_string_equal(invocation.command->name, "spy");
    char *text = argument_list_quote(&invocation.operands);
    assert_string_equal(text, words);
    free(text);
    invocation_done(&invocation);
}

static void words_for_another_program_are_passed_on_in_their_order(void **state)
{
    assert_refused("spy --bogus", "--bogus: no such option; see `rootcell help spy`");
    assert_refused("spy --json=yes", "--json=yes: no such option; see `rootcell help spy`");
    assert_refused("spy --filter", "--filter: needs a value after it; see `rootcell help spy`");
    assert_refused("spy -x", "-x: no such option; see `rootcell help spy`");
    assert_passed_on("spy", "");
    assert_passed_on("spy --json --filter --raw file", "--json --filter --raw file");
    assert_passed_on("spy --filter=x export", "--filter=x export");
    assert_passed_on("spy -i work --session -i --json", "--session -i --json");
    assert_passed_on("spy --json -- -i work", "--json -- -i work");
    assert_passed_on("spy -", "-");
}

RUN_TESTS(cmocka_unit_test(refuses_what_it_does_not_know),
          cmocka_unit_test(refuses_instance_names_that_lead_elsewhere),
          cmocka_unit_test(takes_the_instance_before_and_after_a_command_of_ours),
          cmocka_unit_test(passes_a_program_for_the_vm_as_it_is),
          cmocka_unit_test(turns_help_options_into_the_help_command),
          cmocka_unit_test(notes_options_and_takes_operands_after_two_dashes),
          cmocka_unit_test(takes_the_environment_s_instance_when_none_is_given),
          cmocka_unit_test(words_for_another_program_are_passed_on_in_their_order))
