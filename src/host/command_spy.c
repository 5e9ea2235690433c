#include "host/command.h"

#include "base/memory.h"
#include "host/message.h"
#include "host/spy_session.h"
#include "host/ssh_session.h"
#include "system/own_program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DOOR_TIMEOUT_MS = 5000 };

/* What the words after `spy` come to; the viewer reads them itself. */
struct spy_words {
    bool is_export, has_file, wants_bodies, is_help;
};

static bool is_option(const char *word, const char *name)
{
    size_t length = strlen(name);
    return strncmp(word, "--", 2) == 0 && strncmp(word + 2, name, length) == 0 &&
           (word[2 + length] == '\0' || word[2 + length] == '=');
}

static void look_at(const char *word, struct spy_words *words)
{
    static const char *const with_bodies[] = {"raw", "tui", "record"};
    for (size_t i = 0; i < sizeof(with_bodies) / sizeof(with_bodies[0]); i++)
        words->wants_bodies |= is_option(word, with_bodies[i]);
    words->is_help |= is_option(word, "version");
}

static struct spy_words read_words(const struct invocation *invocation)
{
    const struct argument_list *list = &invocation->operands;
    struct spy_words words = {0};
    size_t i = 0;
    if (list->count > 0 && strcmp(list->texts[0], "export") == 0) {
        words.is_export = words.wants_bodies = true;
        i++;
    }
    for (; i < list->count; i++) {
        const char *word = list->texts[i];
        if (strcmp(word, "--") == 0) {
            words.has_file |= i + 1 < list->count;
            break;
        }
        if (strncmp(word, "--", 2) != 0) {
            words.has_file = true;
            continue;
        }
        look_at(word, &words);
        if (command_option_takes_next(invocation->command, word))
            i++;
    }
    return words;
}

static void make_arguments(const struct invocation *invocation, const char *folder, bool is_live,
                           struct argument_list *arguments)
{
    const struct argument_list *list = &invocation->operands;
    argument_list_add_format(arguments, "%s/rootcell-spy", folder);
    for (size_t i = 0; i < list->count; i++) {
        argument_list_add(arguments, list->texts[i]);
        bool is_export = i == 0 && strcmp(list->texts[0], "export") == 0;
        if (is_export && is_live)
            argument_list_add(arguments, "--backlog");
    }
}

/* Nothing is started for it: what an instance did before cannot be seen any more. */
static bool require_running(const struct instance *instance, struct error *error)
{
    if (instance_vm_process(instance, VM_ROLE_FIREWALL) == 0)
        return error_set(error, "instance \"%s\" does not run; `rootcell -i %s` starts it",
                         instance->name, instance->name);
    return ssh_session_is_connected(instance, VM_ROLE_FIREWALL) ||
           ssh_session_is_door_open(instance, DOOR_TIMEOUT_MS) ||
           error_set(error,
                     "the firewall VM of instance \"%s\" does not answer; it may be starting",
                     instance->name);
}

static int watch(const struct invocation *invocation, const struct spy_words *words,
                 const struct argument_list *arguments)
{
    struct home home;
    struct instance instance = {0};
    struct error error;
    int status;
    if (!home_find(&home, &error)) {
        message_error(&error);
        return EXIT_STATUS_NOT_RUN;
    }
    struct spy_session session = {&instance, arguments, words->wants_bodies};
    bool is_shown = instance_read(&instance, &home, invocation->instance, &error) &&
                    require_running(&instance, &error);
    if (is_shown && words->is_export && !instance.settings.is_recording)
        message_note(
            "spy: the firewall keeps no calls while nobody watches: see ROOTCELL_RECORDING "
            "in rootcell-env(5)");
    is_shown = is_shown && spy_session_run(&session, &status, &error);
    if (!is_shown) {
        error_add_context(&error, "spy");
        message_error(&error);
        status = EXIT_STATUS_NOT_RUN;
    }
    instance_done(&instance);
    home_done(&home);
    return status;
}

int command_spy(const struct invocation *invocation)
{
    CLEANUP_ARGUMENTS struct argument_list arguments = {0};
    struct spy_words words = read_words(invocation);
    struct error error;
    CLEANUP_FREE char *folder = own_program_folder(&error);
    if (folder == NULL)
        return command_finish(false, "spy", &error);
    bool is_live = !words.has_file && !words.is_help;
    make_arguments(invocation, folder, is_live, &arguments);
    if (is_live)
        return watch(invocation, &words, &arguments);
    execv(arguments.texts[0], arguments.texts);
    error_set_errno(&error, errno, "%s", arguments.texts[0]);
    return command_finish(false, "spy", &error);
}
