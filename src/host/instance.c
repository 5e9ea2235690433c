#include "host/instance.h"

#include "base/memory.h"
#include "host/instance_seed.h"
#include "host/message.h"
#include "host/runtime_folder.h"
#include "system/detached_process.h"
#include "system/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SETTINGS_FILE_CAP = 256 * 1024 };

char *instance_path(const struct instance *instance, const char *below)
{
    return memory_format("%s/%s", instance->folder, below);
}

char *instance_vm_path(const struct instance *instance, enum vm_role role, const char *file)
{
    return memory_format("%s/vm/%s/%s", instance->folder, vm_role_name(role), file);
}

char *instance_runtime_path(const struct instance *instance, const char *file)
{
    return memory_format("%s/%s", instance->runtime, file);
}

char *instance_vm_name(const struct instance *instance, enum vm_role role)
{
    if (strcmp(instance->name, INSTANCE_NAME_DEFAULT) == 0)
        return memory_copy_text(vm_role_name(role));
    return memory_format("%s-%s", vm_role_name(role), instance->name);
}

static char *folder_of(const struct home *home, const char *name)
{
    return memory_format("%s/instances/%s", home->folder, name);
}

bool instance_exists(const struct home *home, const char *name)
{
    CLEANUP_FREE char *folder = folder_of(home, name);
    return file_is_directory(folder);
}

bool instance_require(const struct home *home, const char *name, struct error *error)
{
    return instance_exists(home, name) ||
           error_set(error, "instance \"%s\": there is none; `rootcell list` shows all", name);
}

void instance_done(struct instance *instance)
{
    free(instance->folder);
    free(instance->runtime);
    *instance = (struct instance){0};
}

/* The file, then what the environment says of the settings that are ours by name. */
static bool read_settings(struct instance *instance, struct error *error)
{
    settings_set_defaults(&instance->settings);
    CLEANUP_FREE char *path = instance_path(instance, ".env");
    struct buffer text;
    buffer_init(&text, SETTINGS_FILE_CAP);
    bool is_read = !file_exists(path) ||
                   (file_read(path, &text, error) &&
                    settings_parse(buffer_bytes(&text), path, &instance->settings, error));
    buffer_done(&text);
    for (size_t i = 0; is_read && settings_name(i); i++) {
        const char *name = settings_name(i);
        const char *value = strncmp(name, "ROOTCELL_", 9) == 0 ? getenv(name) : NULL;
        bool is_known;
        if (value &&
            !settings_set(&instance->settings, name, bytes_from_text(value), &is_known, error))
            return error_add_context(error, "environment");
    }
    return is_read &&
           (settings_check(&instance->settings, error) || error_add_context(error, "%s", path));
}

static bool read_state_from(const char *path, struct state_file *state, struct error *error)
{
    struct buffer text;
    buffer_init(&text, STATE_FILE_BYTES_LIMIT);
    bool is_read =
        file_read(path, &text, error) && (state_file_parse(buffer_bytes(&text), state, error) ||
                                          error_add_context(error, "%s", path));
    buffer_done(&text);
    return is_read;
}

/*
 * Where the VMs that run were started, since XDG_RUNTIME_DIR may differ from call to call. Only a
 * folder of this instance's own name is taken from the file: `stop` deletes it.
 */
static void choose_runtime(struct instance *instance)
{
    struct error ignored;
    char *usual = runtime_folder_path(instance->folder);
    const char *noted = instance->state.runtime;
    const char *noted_name = strrchr(noted, '/');
    bool is_named_alike = noted_name && strcmp(noted_name, strrchr(usual, '/')) == 0;
    if (is_named_alike && runtime_folder_is_ours(noted, &ignored)) {
        free(usual);
        usual = memory_copy_text(noted);
    }
    instance->runtime = usual;
}

bool instance_read(struct instance *instance, const struct home *home, const char *name,
                   struct error *error)
{
    struct instance found = {.home = home};
    snprintf(found.name, sizeof(found.name), "%s", name);
    found.folder = folder_of(home, name);
    CLEANUP_FREE char *state_path = instance_path(&found, "state.json");
    bool is_read =
        file_is_directory(found.folder)
            ? read_settings(&found, error) && (read_state_from(state_path, &found.state, error) ||
                                               error_add_context(error, "%s", state_path))
            : error_set(error, "instance \"%s\": there is none; `rootcell -i %s` makes it", name,
                        name);
    if (!is_read) {
        instance_done(&found);
        return false;
    }
    choose_runtime(&found);
    *instance = found;
    return true;
}

bool instance_read_settings(struct instance *instance, const struct home *home, const char *name,
                            struct error *error)
{
    struct instance found = {.home = home};
    snprintf(found.name, sizeof(found.name), "%s", name);
    found.folder = folder_of(home, name);
    if (!read_settings(&found, error)) {
        instance_done(&found);
        return false;
    }
    *instance = found;
    return true;
}

static void say_waiting(void *context)
{
    message_note("another rootcell command works on instance \"%s\": waiting for it",
                 (const char *)context);
}

bool instance_lock(const struct home *home, const char *name, struct file_lock *lock,
                   struct error *error)
{
    CLEANUP_FREE char *folder = memory_format("%s/locks", home->folder);
    CLEANUP_FREE char *path = memory_format("%s/instance-%s", folder, name);
    char shown[INSTANCE_NAME_SIZE];
    snprintf(shown, sizeof(shown), "%s", name);
    return file_make_directories(folder, 0700, error) &&
           file_lock_take(lock, path, say_waiting, shown, error);
}

bool instance_save_state(const struct instance *instance, struct error *error)
{
    struct buffer text;
    buffer_init(&text, STATE_FILE_BYTES_LIMIT);
    CLEANUP_FREE char *path = instance_path(instance, "state.json");
    CLEANUP_FREE char *copy = instance_path(instance, "vm/state.copy.json");
    bool is_saved = state_file_encode(&instance->state, &text, error) &&
                    file_update_atomic(path, buffer_bytes(&text), 0600, error) &&
                    file_update_atomic(copy, buffer_bytes(&text), 0600, error);
    buffer_done(&text);
    return is_saved ||
           error_add_context(error, "save the state of instance \"%s\"", instance->name);
}

/* state.json, or its copy when it is broken; `*is_there` is false when there is neither. */
static bool find_state(struct instance *instance, bool *is_there, struct error *error)
{
    CLEANUP_FREE char *path = instance_path(instance, "state.json");
    CLEANUP_FREE char *copy = instance_path(instance, "vm/state.copy.json");
    CLEANUP_FREE char *aside = instance_path(instance, "state.json.broken");
    struct error why, copy_error;
    *is_there = true;
    bool was_there = file_exists(path);
    if (was_there && read_state_from(path, &instance->state, &why))
        return true;
    bool is_copy_good = read_state_from(copy, &instance->state, &copy_error);
    if (was_there) {
        if (rename(path, aside) != 0)
            return error_set_errno(error, errno, "set %s aside", path);
        message_note("%s; kept as state.json.broken, %s", why.text,
                     is_copy_good ? "restored from its copy" : "made anew");
    }
    *is_there = is_copy_good;
    return !is_copy_good || instance_save_state(instance, error);
}

/* Made where they are missing, and rid of what was left there: we hold the lock. */
static bool make_folders(const struct instance *instance, struct error *error)
{
    static const char *const folders[] = {".",  "proxy",    "proxy/groups", "pki", "ssh",
                                          "vm", "vm/agent", "vm/firewall",  "log"};
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        CLEANUP_FREE char *path = instance_path(instance, folders[i]);
        if (!file_make_directories(path, 0700, error))
            return false;
        file_remove_leftovers(path);
    }
    return true;
}

/* What an interrupted `remove` has left: its name is gone already, its files are nobody's. */
static void finish_removals(const struct home *home)
{
    CLEANUP_FREE char *path = memory_format("%s/instances", home->folder);
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder)) != NULL;) {
        struct error ignored;
        if (strncmp(entry->d_name, ".removing-", strlen(".removing-")) != 0)
            continue;
        CLEANUP_FREE char *left = memory_format("%s/%s", path, entry->d_name);
        file_remove_tree(left, &ignored);
    }
    if (folder)
        closedir(folder);
}

bool instance_prepare(struct instance *instance, const struct home *home, const char *name,
                      struct error *error)
{
    struct instance made = {.home = home};
    snprintf(made.name, sizeof(made.name), "%s", name);
    made.folder = folder_of(home, name);
    finish_removals(home);
    bool is_there = false;
    bool is_made = make_folders(&made, error) && find_state(&made, &is_there, error) &&
                   (made.state.is_old_layout_copied || instance_seed_old_layout(&made, error)) &&
                   instance_seed_files(&made, error) && read_settings(&made, error) &&
                   (is_there || instance_seed_state(&made, error));
    if (is_made && !made.state.is_old_layout_copied) {
        made.state.is_old_layout_copied = true;
        is_made = instance_save_state(&made, error);
    }
    if (!is_made) {
        instance_done(&made);
        return error_add_context(error, "prepare instance \"%s\"", name);
    }
    choose_runtime(&made);
    *instance = made;
    return true;
}

int instance_vm_process(const struct instance *instance, enum vm_role role)
{
    CLEANUP_FREE char *pid_file = instance_vm_path(instance, role, "pid");
    return detached_process_find(pid_file);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **instance_list_names(const struct home *home, size_t *count, struct error *error)
{
    CLEANUP_FREE char *path = memory_format("%s/instances", home->folder);
    char **names = memory_new_array(1, sizeof(*names));
    size_t found = 0;
    DIR *folder = opendir(path);
    if (folder == NULL && errno != ENOENT) {
        error_set_errno(error, errno, "%s", path);
        free(names);
        return NULL;
    }
    for (struct dirent *entry; folder && (entry = readdir(folder)) != NULL;) {
        struct error ignored;
        if (!instance_name_check(entry->d_name, &ignored))
            continue;
        names = memory_resize_array(names, found + 2, sizeof(*names));
        names[found++] = memory_copy_text(entry->d_name);
    }
    if (folder)
        closedir(folder);
    names[found] = NULL;
    qsort(names, found, sizeof(*names), compare_names);
    *count = found;
    return names;
}

void instance_list_free(char **names)
{
    for (char **name = names; name && *name; name++)
        free(*name);
    free(names);
}
