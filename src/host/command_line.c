#include "host/command_line.h"

#include "base/check.h"
#include "base/printable.h"

#include <stdio.h>
#include <string.h>

static const struct command version_command = {
    .name = "--version",
    .operands = "",
    .run = command_version,
};

/* What one argument that begins with a dash was. */
enum option_result { OPTION_TAKEN, OPTION_HELP, OPTION_VERSION, OPTION_BAD };

static bool refuse(const char *text, const char *why, const struct command *command,
                   struct error *error)
{
    char shown[120];
    printable_text(bytes_from_text(text), shown, sizeof(shown));
    bool is_ours = command && *command->name;
    return error_set(error, "%s: %s; see `rootcell help%s%s`", shown, why, is_ours ? " " : "",
                     is_ours ? command->name : "");
}

static bool set_instance(struct invocation *invocation, const char *name, struct error *error)
{
    if (!instance_name_check(name, error))
        return false;
    snprintf(invocation->instance, sizeof(invocation->instance), "%s", name);
    return true;
}

/* Take `-i NAME` and its other forms; `*is_instance` is false, with success, for anything else. */
static bool take_instance(char *const **rest, struct invocation *invocation, bool *is_instance,
                          struct error *error)
{
    static const char long_form[] = "--instance=";
    const char *text = **rest;
    *is_instance = true;
    if (strncmp(text, long_form, strlen(long_form)) == 0)
        return set_instance(invocation, text + strlen(long_form), error);
    if (strcmp(text, "--instance") == 0 || strcmp(text, "-i") == 0) {
        if ((*rest)[1] == NULL)
            return refuse(text, "needs a NAME after it", invocation->command, error);
        (*rest)++;
        return set_instance(invocation, **rest, error);
    }
    if (strncmp(text, "-i", 2) == 0 && text[2] != '\0')
        return set_instance(invocation, text + 2, error);
    *is_instance = false;
    return true;
}

static enum option_result take_common(const char *text)
{
    if (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0)
        return OPTION_HELP;
    if (strcmp(text, "--version") == 0 || strcmp(text, "-V") == 0)
        return OPTION_VERSION;
    return OPTION_BAD;
}

/* Flags of a command; letters may not be bundled. */
static enum option_result take_own(const char *text, struct invocation *invocation)
{
    const struct command_option *options = invocation->command->options;
    for (size_t i = 0; options && options[i].name; i++) {
        CHECK(i < COMMAND_OPTION_LIMIT);
        bool is_long = strncmp(text, "--", 2) == 0 && strcmp(text + 2, options[i].name) == 0;
        bool is_short = options[i].letter && text[1] == options[i].letter && text[2] == '\0';
        if (is_long || is_short) {
            invocation->is_option_given[i] = true;
            return OPTION_TAKEN;
        }
    }
    return take_common(text);
}

static void become_help(struct invocation *invocation)
{
    const struct command *about = invocation->command;
    argument_list_done(&invocation->operands);
    if (*about->name)
        argument_list_add(&invocation->operands, about->name);
    invocation->command = command_find("help");
}

static bool check_operands(const struct invocation *invocation, struct error *error)
{
    const struct command *command = invocation->command;
    const struct argument_list *operands = &invocation->operands;
    if (operands->count < command->operand_minimum)
        return refuse(command->name, "something is missing after it", command, error);
    if (operands->count > command->operand_maximum)
        return refuse(operands->texts[command->operand_maximum], "not expected here", command,
                      error);
    if (command->words == NULL)
        return true;
    for (const char *const *word = command->words; *word; word++) {
        if (strcmp(*word, operands->texts[0]) == 0)
            return true;
    }
    return refuse(operands->texts[0], "no such word", command, error);
}

static bool is_option_of(const struct command *command, const char *word)
{
    size_t length = strcspn(word, "=");
    for (const struct command_option *option = command->options; option->name; option++) {
        bool has_value = word[length] == '=';
        if (strlen(option->name) + 2 == length && strncmp(word, "--", 2) == 0 &&
            strncmp(word + 2, option->name, length - 2) == 0 && (!has_value || option->value))
            return true;
    }
    return false;
}

/* For another program: its words in their order, without what is ours. */
static bool parse_passed_on(char *const *rest, struct invocation *invocation, struct error *error)
{
    struct argument_list *operands = &invocation->operands;
    for (; *rest; rest++) {
        bool is_instance = false;
        if (strcmp(*rest, "--") == 0) {
            for (; *rest; rest++)
                argument_list_add(operands, *rest);
            return true;
        }
        if (strcmp(*rest, "--help") == 0 || strcmp(*rest, "-h") == 0) {
            become_help(invocation);
            return true;
        }
        if (**rest != '-' || strcmp(*rest, "-") == 0 || is_option_of(invocation->command, *rest)) {
            argument_list_add(operands, *rest);
            if (!command_option_takes_next(invocation->command, *rest))
                continue;
            if (rest[1] == NULL)
                return refuse(*rest, "needs a value after it", invocation->command, error);
            argument_list_add(operands, *++rest);
            continue;
        }
        if (!take_instance(&rest, invocation, &is_instance, error))
            return false;
        if (!is_instance)
            return refuse(*rest, "no such option", invocation->command, error);
    }
    return true;
}

/* After the name of a command of ours. */
static bool parse_own(char *const *rest, struct invocation *invocation, struct error *error)
{
    bool is_only_operands = false;
    if (invocation->command->is_passed_on)
        return parse_passed_on(rest, invocation, error);
    for (; *rest; rest++) {
        bool is_instance = false;
        if (is_only_operands || **rest != '-' || strcmp(*rest, "-") == 0) {
            argument_list_add(&invocation->operands, *rest);
            continue;
        }
        if (strcmp(*rest, "--") == 0) {
            is_only_operands = true;
            continue;
        }
        enum option_result result = take_own(*rest, invocation);
        if (result == OPTION_HELP) {
            become_help(invocation);
            return true;
        }
        if (result == OPTION_TAKEN)
            continue;
        if (!take_instance(&rest, invocation, &is_instance, error))
            return false;
        if (!is_instance)
            return refuse(*rest, "no such option", invocation->command, error);
    }
    return check_operands(invocation, error);
}

static void take_program(char *const *rest, struct invocation *invocation)
{
    invocation->command = &command_run;
    for (; *rest; rest++)
        argument_list_add(&invocation->operands, *rest);
}

static bool parse_all(char *const *rest, struct invocation *invocation, struct error *error)
{
    for (; *rest; rest++) {
        bool is_instance = false;
        if (strcmp(*rest, "--") == 0) {
            if (rest[1])
                take_program(rest + 1, invocation);
            return true;
        }
        if (**rest != '-') {
            const struct command *command = command_find(*rest);
            if (**rest == '\0')
                return refuse("\"\"", "an empty word names no command", NULL, error);
            if (command == NULL) {
                take_program(rest, invocation);
                return true;
            }
            invocation->command = command;
            return parse_own(rest + 1, invocation, error);
        }
        enum option_result result = take_common(*rest);
        if (result != OPTION_BAD) {
            invocation->command = result == OPTION_HELP ? command_find("help") : &version_command;
            return true;
        }
        if (!take_instance(&rest, invocation, &is_instance, error))
            return false;
        if (!is_instance)
            return refuse(*rest, "no such option", NULL, error);
    }
    return true;
}

bool command_line_parse(char *const *arguments, const char *environment_instance,
                        struct invocation *invocation, struct error *error)
{
    struct invocation parsed = {.command = &command_enter};
    const char *name = INSTANCE_NAME_DEFAULT;
    if (environment_instance && *environment_instance)
        name = environment_instance;
    bool is_from_environment = name == environment_instance;
    snprintf(parsed.instance, sizeof(parsed.instance), "%s", INSTANCE_NAME_DEFAULT);
    struct error name_error;
    bool is_name_good = !is_from_environment || set_instance(&parsed, name, &name_error);
    if (!is_name_good)
        parsed.instance[0] = '\0'; /* an option may still give a good one */
    if (!parse_all(arguments, &parsed, error)) {
        invocation_done(&parsed);
        return false;
    }
    if (parsed.instance[0] == '\0') {
        invocation_done(&parsed);
        *error = name_error;
        return error_add_context(error, "ROOTCELL_INSTANCE");
    }
    *invocation = parsed;
    return true;
}
