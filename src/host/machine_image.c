#include "host/machine_image.h"

#include "base/memory.h"
#include "host/disk_header.h"
#include "host/image_folder.h"
#include "host/message.h"
#include "host/policy_files.h"
#include "system/child.h"
#include "system/file.h"
#include "system/own_program.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BASE_ID_LENGTH = 32, MAKER_OUTPUT_CAP = 64 * 1024 };

/* What an agent's disk is bound to: its modules fit this kernel, its blocks this image. */
static const char *const base_files[] = {"vmlinuz", "agent.initramfs", "agent.img"};
enum { BASE_FILE_COUNT = sizeof(base_files) / sizeof(base_files[0]) };

const char *machine_image_architecture(void)
{
#if defined(__aarch64__)
    return "aarch64";
#else
    return "x86_64";
#endif
}

char *machine_image_folder(const struct instance *instance)
{
    if (*instance->settings.image_directory)
        return memory_copy_text(instance->settings.image_directory);
    return memory_format("%s/images/%s", instance->home->folder, machine_image_architecture());
}

/*
 * Run rootcell-image, which is told what to do by `words`. It holds the lock too: should we be
 * killed, nobody makes the same image beside it.
 */
static bool run_maker(const struct argument_list *words, const struct file_lock *lock,
                      struct error *error)
{
    struct buffer output;
    struct child_request request = {.arguments = words,
                                    .error_stream = CHILD_STREAM_INHERIT,
                                    .output_stream = CHILD_STREAM_CAPTURE,
                                    .output = &output};
    int status;
    buffer_init(&output, MAKER_OUTPUT_CAP);
    fcntl(lock->fd, F_SETFD, 0);
    bool is_made = child_run(&request, &status, error);
    fcntl(lock->fd, F_SETFD, FD_CLOEXEC);
    if (is_made && status != 0) {
        struct bytes rest = buffer_bytes(&output), line = BYTES_EMPTY;
        bytes_next_token(&rest, '\n', &line);
        is_made = line.length > 0
                      ? error_set(error, "%.*s", (int)line.length, (const char *)line.data)
                      : error_set(error, "rootcell-image ended with status %d", status);
    }
    buffer_done(&output);
    return is_made;
}

/* A program that is built beside this one; owned. */
static char *program_beside(const char *programs, const char *nested, const char *name)
{
    char *path = memory_format("%s/%s", programs, name);
    if (file_exists(path))
        return path;
    free(path);
    return memory_format("%s/%s/%s", programs, nested, name);
}

/* The program that makes images, with the words that all its tasks have. */
static bool add_maker(struct argument_list *words, const struct instance *instance,
                      const char *word, const char *folder, struct error *error)
{
    CLEANUP_FREE char *programs = own_program_folder(error);
    if (programs == NULL)
        return false;
    CLEANUP_FREE char *maker = program_beside(programs, "src/host", "rootcell-image");
    CLEANUP_FREE char *data = memory_format("%s/image", instance->home->data);
    argument_list_add_all(words, maker, word, folder, data, machine_image_architecture(), NULL);
    return true;
}

/* "build", "rebuild" or "refresh" with the programs that stand beside this one, or "download". */
static bool make(const struct instance *instance, const char *word, const char *folder,
                 const struct file_lock *lock, struct error *error)
{
    CLEANUP_ARGUMENTS struct argument_list words = {0};
    CLEANUP_FREE char *programs = own_program_folder(error);
    if (programs == NULL || !add_maker(&words, instance, word, folder, error))
        return false;
    /* A copy of rootcell alone runs what is there. */
    if (!file_exists(words.texts[0]) && strcmp(word, "refresh") == 0)
        return true;
    CLEANUP_FREE char *init = program_beside(programs, "src/init", "rootcell-init");
    CLEANUP_FREE char *firewall = program_beside(programs, "src/firewall", "rootcell-firewall");
    if (strcmp(word, "download") == 0)
        argument_list_add(&words, instance->settings.image_manifest_url);
    else
        argument_list_add_all(&words, init, firewall, NULL);
    return run_maker(&words, lock, error);
}

static void say_waiting(void *context)
{
    message_note("another rootcell command makes the VM images: waiting for it");
}

static bool lock_images(const struct home *home, struct file_lock *lock, struct error *error)
{
    CLEANUP_FREE char *locks = memory_format("%s/locks", home->folder);
    CLEANUP_FREE char *images = memory_format("%s/images", home->folder);
    CLEANUP_FREE char *path = memory_format("%s/images", locks);
    return file_make_directories(locks, 0700, error) &&
           file_make_directories(images, 0755, error) &&
           file_lock_take(lock, path, say_waiting, NULL, error);
}

static bool make_image(const struct instance *instance, const char *folder, bool is_forced,
                       const struct file_lock *lock, struct error *error)
{
    const char *word = *instance->settings.image_manifest_url ? "download"
                       : is_forced                            ? "rebuild"
                                                              : "build";
    return make(instance, word, folder, lock, error);
}

bool machine_image_build(const struct instance *instance, bool is_forced, struct error *error)
{
    CLEANUP_FREE char *folder = machine_image_folder(instance);
    struct file_lock lock = FILE_LOCK_NONE;
    if (*instance->settings.image_directory)
        return error_set(error, "ROOTCELL_IMAGE_DIR is set: the images are made elsewhere; take it "
                                "out of .env to make them here");
    bool is_made = lock_images(instance->home, &lock, error) &&
                   make_image(instance, folder, is_forced, &lock, error);
    file_lock_release(&lock);
    return is_made;
}

bool machine_image_release(const struct instance *instance, const char *key, const char *output,
                           struct error *error)
{
    CLEANUP_FREE char *folder = machine_image_folder(instance);
    CLEANUP_ARGUMENTS struct argument_list words = {0};
    struct file_lock lock = FILE_LOCK_NONE;
    bool is_made = lock_images(instance->home, &lock, error) &&
                   add_maker(&words, instance, "release", folder, error);
    if (is_made) {
        argument_list_add_all(&words, key, output, NULL);
        is_made = run_maker(&words, &lock, error);
    }
    file_lock_release(&lock);
    return is_made;
}

/* The image is there and can be started; made when it may be and is not. */
static bool ensure_folder(const struct instance *instance, const char *folder, struct error *error)
{
    struct error why;
    bool is_there_already = image_folder_check(folder, machine_image_architecture(), &why);
    if (is_there_already && *instance->settings.image_directory)
        return true;
    if (*instance->settings.image_directory) {
        *error = why;
        return error_add_context(error, "ROOTCELL_IMAGE_DIR");
    }
    struct file_lock lock = FILE_LOCK_NONE;
    bool is_there = lock_images(instance->home, &lock, error);
    /* Another command may have made it while we waited. */
    if (is_there && !image_folder_check(folder, machine_image_architecture(), &why)) {
        CLEANUP_FREE char *manifest = memory_format("%s/manifest.json", folder);
        if (file_exists(manifest))
            message_note("%s; the images are made anew", why.text);
        is_there = make_image(instance, folder, false, &lock, error) &&
                   image_folder_check(folder, machine_image_architecture(), error);
    }
    /* A firewall that was mended and compiled again is the one that runs. */
    is_there = is_there && make(instance, "refresh", folder, &lock, error);
    file_lock_release(&lock);
    return is_there;
}

/* A second name for the same bytes; a copy where that cannot be. */
static bool keep_file(const char *from, const char *to, struct error *error)
{
    if (link(from, to) == 0 || errno == EEXIST)
        return true;
    if (errno != EXDEV && errno != EPERM && errno != EMLINK)
        return error_set_errno(error, errno, "keep %s", to);
    return file_copy(from, to, 0644, error);
}

static bool keep_base(const char *folder, const char *base, struct error *error)
{
    if (file_is_directory(base))
        return true;
    CLEANUP_FREE char *making = memory_format("%s.making-%ld", base, (long)getpid());
    bool is_kept = file_remove_tree(making, error) && file_make_directories(making, 0755, error);
    for (size_t i = 0; is_kept && i < BASE_FILE_COUNT; i++) {
        CLEANUP_FREE char *from = memory_format("%s/%s", folder, base_files[i]);
        CLEANUP_FREE char *to = memory_format("%s/%s", making, base_files[i]);
        is_kept = keep_file(from, to, error);
    }
    if (is_kept && rename(making, base) != 0)
        is_kept = file_is_directory(base) || error_set_errno(error, errno, "keep %s", base);
    struct error ignored;
    file_remove_tree(making, &ignored);
    return is_kept;
}

static char *base_of(const struct home *home, const char *id)
{
    return memory_format("%s/images/kept/%s", home->folder, id);
}

/* When the state was lost: the disk itself names the image below it, .../kept/ID/agent.img. */
static bool recover_base(struct instance *instance, const char *disk, struct error *error)
{
    struct disk_header header;
    if (*instance->state.image)
        return true;
    if (!disk_header_read(disk, &header, error))
        return false;
    CLEANUP_FREE char *kept = memory_format("%s/images/kept/", instance->home->folder);
    const char *id = header.backing_file + strlen(kept);
    if (strncmp(header.backing_file, kept, strlen(kept)) != 0 || strcspn(id, "/") != BASE_ID_LENGTH)
        return error_set(error, "%s: lies on %s, which is no image of this home", disk,
                         header.backing_file);
    snprintf(instance->state.image, sizeof(instance->state.image), "%.*s", BASE_ID_LENGTH, id);
    return instance_save_state(instance, error);
}

/* The base of an existing disk is the one in the state; a new disk takes the newest. */
static bool choose_base(struct instance *instance, const char *folder, bool has_disk, char **base,
                        struct error *error)
{
    if (has_disk) {
        *base = base_of(instance->home, instance->state.image);
        if (file_is_directory(*base))
            return true;
        free(*base);
        *base = NULL;
        return error_set(error,
                         "the image that the disk of the agent VM was made on (%s) is gone; put "
                         "images/kept back, or `rootcell remove` the instance",
                         instance->state.image);
    }
    char sha256[MANIFEST_HASH_SIZE];
    if (!image_folder_identify(folder, sha256, error))
        return false;
    snprintf(instance->state.image, sizeof(instance->state.image), "%.*s", BASE_ID_LENGTH, sha256);
    *base = base_of(instance->home, instance->state.image);
    /* First the note, so that nobody takes the base for unused. */
    if (instance_save_state(instance, error) && keep_base(folder, *base, error))
        return true;
    free(*base);
    *base = NULL;
    return false;
}

static bool make_disk(const struct instance *instance, const char *base, const char *disk,
                      struct error *error)
{
    CLEANUP_FREE char *making = memory_format("%s.making", disk);
    CLEANUP_ARGUMENTS struct argument_list arguments = {0};
    argument_list_add(&arguments,
                      *instance->settings.qemu_img ? instance->settings.qemu_img : "qemu-img");
    argument_list_add_all(&arguments, "create", "-q", "-f", "qcow2", "-F", "raw", "-b", NULL);
    argument_list_add_format(&arguments, "%s/agent.img", base);
    argument_list_add(&arguments, making);
    argument_list_add_format(&arguments, "%lluM",
                             (unsigned long long)(instance->settings.agent_disk_bytes >> 20));
    if (!child_run_quietly(&arguments, NULL, error))
        return error_add_context(error, "make the disk of the agent VM");
    if (rename(making, disk) != 0)
        return error_set_errno(error, errno, "%s", disk);
    return true;
}

static bool find_layers(const char *folder, struct machine_image *image, struct error *error)
{
    struct manifest manifest;
    manifest_init(&manifest);
    if (!image_folder_read(folder, &manifest, error))
        return false;
    for (size_t i = 0; i < manifest.file_count; i++) {
        const char *name = manifest.files[i].name;
        size_t length = strlen(name);
        if (strncmp(name, "layers/", 7) != 0 || length <= 11 ||
            strcmp(name + length - 4, ".img") != 0 ||
            length - 11 >= MACHINE_IMAGE_LAYER_NAME_SIZE ||
            image->layer_count == MACHINE_IMAGE_LAYER_LIMIT)
            continue;
        snprintf(image->layers[image->layer_count++], MACHINE_IMAGE_LAYER_NAME_SIZE, "%.*s",
                 (int)(length - 11), name + 7);
    }
    manifest_done(&manifest);
    return true;
}

/* The setting may grow; a disk never shrinks. */
static bool grow_disk(const struct instance *instance, const char *disk, struct error *error)
{
    struct disk_header header;
    if (!disk_header_read(disk, &header, error))
        return false;
    if (header.size_bytes >= instance->settings.agent_disk_bytes)
        return true;
    CLEANUP_ARGUMENTS struct argument_list arguments = {0};
    argument_list_add(&arguments,
                      *instance->settings.qemu_img ? instance->settings.qemu_img : "qemu-img");
    argument_list_add_all(&arguments, "resize", "-q", "-f", "qcow2", disk, NULL);
    argument_list_add_format(&arguments, "%lluM",
                             (unsigned long long)(instance->settings.agent_disk_bytes >> 20));
    return child_run_quietly(&arguments, NULL, error) ||
           error_add_context(error, "grow the disk of the agent VM");
}

bool machine_image_ensure(struct instance *instance, struct machine_image *image,
                          struct error *error)
{
    struct machine_image found = {.folder = machine_image_folder(instance)};
    CLEANUP_FREE char *disk = instance_vm_path(instance, VM_ROLE_AGENT, "disk.qcow2");
    CLEANUP_FREE char *groups = memory_format("%s/groups", found.folder);
    CLEANUP_FREE char *policy = instance_path(instance, "proxy");
    bool has_disk = file_exists(disk);
    bool is_found =
        ensure_folder(instance, found.folder, error) && find_layers(found.folder, &found, error) &&
        policy_files_install_groups(groups, policy, error) &&
        (!has_disk || recover_base(instance, disk, error)) &&
        choose_base(instance, found.folder, has_disk, &found.base, error) &&
        (has_disk
             ? instance_vm_process(instance, VM_ROLE_AGENT) != 0 || grow_disk(instance, disk, error)
             : make_disk(instance, found.base, disk, error));
    if (!is_found) {
        machine_image_done(&found);
        return false;
    }
    *image = found;
    return true;
}

void machine_image_done(struct machine_image *image)
{
    free(image->folder);
    free(image->base);
    *image = (struct machine_image){0};
}

static bool is_used(const struct home *home, const char *id)
{
    size_t count;
    struct error ignored;
    char **names = instance_list_names(home, &count, &ignored);
    bool is_found = names == NULL; /* unknown: keep */
    for (size_t i = 0; names && i < count; i++) {
        struct instance other;
        /* An instance that cannot be read may need any of them. */
        if (!instance_read(&other, home, names[i], &ignored)) {
            is_found = true;
            continue;
        }
        is_found = is_found || strcmp(other.state.image, id) == 0;
        instance_done(&other);
    }
    instance_list_free(names);
    return is_found;
}

void machine_image_drop_unused(const struct home *home)
{
    CLEANUP_FREE char *path = memory_format("%s/images/kept", home->folder);
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder)) != NULL;) {
        struct error ignored;
        if (entry->d_name[0] == '.' || is_used(home, entry->d_name))
            continue;
        CLEANUP_FREE char *base = base_of(home, entry->d_name);
        file_remove_tree(base, &ignored);
    }
    if (folder)
        closedir(folder);
}
