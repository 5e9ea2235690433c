#include "host/image_build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "host/image_debian.h"
#include "host/image_ext4.h"
#include "host/image_folder.h"
#include "host/image_hash.h"
#include "host/image_initramfs.h"
#include "host/image_inputs.h"
#include "host/image_npm.h"
#include "host/image_tree.h"
#include "system/child.h"
#include "system/file.h"
#include "system/progress.h"

enum {
    DATA_BYTES_LIMIT = 256 * 1024,
    GROUP_BYTES_LIMIT = 64 * 1024,
    AGENT_SPARE_BYTES =
        384 * 1024 * 1024, /* the disk of an instance is larger, and grown at boot */
    LAYER_SPARE_BYTES = 4 * 1024 * 1024,
    AGENT_USER = 1000,
    QUIET_MS = 0,
};

/* The latest date in an image, whenever it is built. */
static const uint64_t image_time_seconds = 1750000000;

/* Fixed: a random id would change the hash. Instances share the base, never a disk. */
static const char agent_uuid[] = "5d1c9f0e-3b1a-4c52-9f63-0a6f3f1f7a01";
static const char layer_uuid[] = "5d1c9f0e-3b1a-4c52-9f63-0a6f3f1f7a02";

struct image_build {
    const struct image_build_options *options;
    char *partial;  /* owned: FOLDER.partial */
    char *inputs;   /* owned: archives, kept for the next run when this one breaks */
    char *registry; /* owned */
    char *kernel;   /* owned: its version */
    char made_from[MANIFEST_HASH_SIZE];
    struct image_tree system; /* the agent's */
    struct image_tree door;   /* what the firewall's files come from */
    struct manifest manifest;
    struct progress progress;
};

/* ---- small things ---- */

static void tell_packages(void *context, uint64_t done, uint64_t total)
{
    struct image_build *build = context;
    progress_count(&build->progress, done, total, false);
}

static void tell_bytes(void *context, uint64_t done, uint64_t total)
{
    struct image_build *build = context;
    progress_count(&build->progress, done, total, true);
}

static bool read_data(const struct image_build *build, const char *name, struct buffer *text,
                      struct error *error)
{
    CLEANUP_FREE char *path = memory_format("%s/%s", build->options->data, name);
    return file_read(path, text, error);
}

static char *input_path(const struct image_build *build, const char *name)
{
    return memory_format("%s/%s", build->inputs, name);
}

static char *output_path(const struct image_build *build, const char *name)
{
    return memory_format("%s/%s", build->partial, name);
}

/* ---- what is there already ---- */

/* All that decides about the archives of Debian packages, as one hash. */
static bool hash_inputs(struct image_build *build, char sha256[MANIFEST_HASH_SIZE],
                        struct error *error)
{
    static const char *const names[] = {"agent-packages.txt", "agent-hook.sh",
                                        "firewall-packages.txt"};
    struct buffer text;
    buffer_init(&text, DATA_BYTES_LIMIT);
    bool is_good = buffer_append_text(&text, build->options->architecture);
    for (size_t i = 0; is_good && i < sizeof(names) / sizeof(names[0]); i++)
        is_good = read_data(build, names[i], &text, error);
    is_good = is_good && image_hash_bytes(buffer_bytes(&text), sha256, error);
    buffer_done(&text);
    return is_good;
}

static bool prepare_folders(struct image_build *build, struct error *error)
{
    char sha256[MANIFEST_HASH_SIZE];
    CLEANUP_FREE char *mark = input_path(build, "inputs.sha256");
    struct buffer old;
    buffer_init(&old, MANIFEST_HASH_SIZE);
    struct error ignored;
    if (!hash_inputs(build, sha256, error))
        return false;
    bool is_same = file_exists(mark) && file_read(mark, &old, &ignored) &&
                   bytes_equal_text(buffer_bytes(&old), sha256);
    buffer_done(&old);
    if (!is_same && !file_remove_tree(build->partial, error))
        return false;
    CLEANUP_FREE char *layers = output_path(build, "layers");
    CLEANUP_FREE char *groups = output_path(build, "groups");
    return file_make_directories(build->inputs, 0755, error) &&
           file_make_directories(layers, 0755, error) &&
           file_make_directories(groups, 0755, error) &&
           file_write_atomic(mark, bytes_from_text(sha256), 0644, error);
}

/* ---- archives ---- */

static bool make_archive(struct image_build *build, const char *variant, const char *packages,
                         const char *hook, const char *name, struct error *error)
{
    CLEANUP_FREE char *path = input_path(build, name);
    CLEANUP_FREE char *part = memory_format("%s.part", path);
    struct buffer list;
    if (file_exists(path))
        return true;
    buffer_init(&list, DATA_BYTES_LIMIT);
    struct image_debian_request request = {.variant = variant,
                                           .hook = hook,
                                           .architecture = build->options->architecture,
                                           .output = part,
                                           .work = build->inputs,
                                           .time_seconds = image_time_seconds,
                                           .on_progress = tell_packages,
                                           .context = build};
    bool is_good = read_data(build, packages, &list, error);
    request.packages = buffer_bytes(&list);
    is_good = is_good && image_debian_make(&request, error);
    if (is_good && rename(part, path) != 0)
        is_good = error_set_errno(error, errno, "%s", path);
    buffer_done(&list);
    return is_good;
}

static bool read_archive(struct image_build *build, const char *name, struct image_tree *tree,
                         struct error *error)
{
    CLEANUP_FREE char *path = input_path(build, name);
    struct bytes archive;
    return image_tree_map_file(tree, path, &archive, error) &&
           image_tree_add_tar(tree, archive, "", "", false, error);
}

/* A host without npm: Debian's npm client is asked for its default, without installing it. */
static const char registry_hook[] =
    "set -e; mkdir -p \"$1/npm\"; cd \"$1/npm\"; export APT_CONFIG=\"$MMDEBSTRAP_APT_CONFIG\"; "
    "apt-get -o APT::Sandbox::User=root download npm; dpkg-deb -x npm_*.deb .; "
    "cp usr/share/nodejs/npm/lib/utils/config/definitions.js \"$1/npm-definitions\"; "
    "cd /; rm -r \"$1/npm\"";

static bool make_firewall_archive(struct image_build *build, struct error *error)
{
    build->registry = image_npm_find_registry();
    const char *hook = build->registry == NULL ? registry_hook : NULL;
    if (!make_archive(build, "extract", "firewall-packages.txt", hook, "firewall.tar", error) ||
        !read_archive(build, "firewall.tar", &build->door, error))
        return false;
    image_tree_sort(&build->door, image_time_seconds);
    const struct image_node *definitions = image_tree_find(&build->door, "npm-definitions");
    if (build->registry == NULL && definitions != NULL)
        build->registry = image_npm_default_registry(definitions->content);
    return build->registry != NULL || error_set(error, "no npm registry is configured");
}

static bool make_agent_archive(struct image_build *build, struct error *error)
{
    struct buffer hook;
    buffer_init(&hook, DATA_BYTES_LIMIT);
    bool is_good = read_data(build, "agent-hook.sh", &hook, error);
    if (is_good) {
        CLEANUP_FREE char *text = bytes_copy_text(buffer_bytes(&hook));
        is_good = make_archive(build, "apt", "agent-packages.txt", text, "agent.tar", error) &&
                  read_archive(build, "agent.tar", &build->system, error);
    }
    buffer_done(&hook);
    return is_good;
}

/* ---- npm ---- */

static bool add_npm_package(struct image_build *build, const char *role, struct image_tree *tree,
                            const char *prefix, const char *folder, struct error *error)
{
    struct buffer list;
    struct image_npm_package package;
    struct bytes archive;
    buffer_init(&list, DATA_BYTES_LIMIT);
    bool is_good = read_data(build, "npm-packages.txt", &list, error) &&
                   image_npm_find_package(buffer_bytes(&list), role, build->options->architecture,
                                          &package, error) &&
                   image_npm_fetch(build->registry, &package, build->inputs, tree, &archive,
                                   tell_bytes, build, error) &&
                   image_tree_add_tar(tree, archive, prefix, folder, true, error);
    if (is_good)
        manifest_add_package(&build->manifest, &package.package);
    buffer_done(&list);
    return is_good;
}

static bool add_node(struct image_build *build, struct error *error)
{
    struct image_tree *system = &build->system;
    if (!add_npm_package(build, "node", system, "package/", "usr/local", error) ||
        !add_npm_package(build, "npm", system, "package/", "usr/local/lib/node_modules/npm", error))
        return false;
    image_tree_add_symlink(system, "usr/local/bin/npm", "../lib/node_modules/npm/bin/npm-cli.js");
    image_tree_add_symlink(system, "usr/local/bin/npx", "../lib/node_modules/npm/bin/npx-cli.js");
    CLEANUP_FREE char *settings = memory_format(
        "registry=%s\nupdate-notifier=false\nfund=false\nnodedir=/usr/local\n", build->registry);
    image_tree_add_text(system, "usr/local/etc/npmrc", 0644, settings);
    return true;
}

/* ---- the agent's system ---- */

/* One of our programs, without its debugging symbols: memory counts in the firewall VM. */
static bool add_program(struct image_build *build, struct image_tree *tree, const char *host_path,
                        const char *path, struct error *error)
{
    const char *slash = strrchr(host_path, '/');
    CLEANUP_FREE char *stripped = input_path(build, slash == NULL ? host_path : slash + 1);
    struct argument_list arguments CLEANUP_ARGUMENTS;
    argument_list_init(&arguments);
    argument_list_add_all(&arguments, "strip", "--strip-all", "-o", stripped, host_path, NULL);
    struct bytes content;
    if (!child_run_quietly(&arguments, NULL, error) ||
        !image_tree_map_file(tree, stripped, &content, error))
        return false;
    image_tree_add_file(tree, path, 0755, content);
    return true;
}

/* `PATH TARGET` a line: units that are masked or wanted, names of programs. */
static bool add_links(struct image_build *build, struct error *error)
{
    struct buffer text;
    struct bytes line;
    buffer_init(&text, DATA_BYTES_LIMIT);
    bool is_good = read_data(build, "agent-links.txt", &text, error);
    struct bytes rest = buffer_bytes(&text);
    while (is_good && image_initramfs_next_name(&rest, &line)) {
        size_t space = bytes_index_of(line, ' ');
        CLEANUP_FREE char *path = bytes_copy_text(bytes_first(line, space));
        CLEANUP_FREE char *target = bytes_copy_text(bytes_trim(bytes_from(line, space)));
        if (*target == '\0')
            is_good = error_set(error, "agent-links.txt: %s has no target", path);
        else
            image_tree_add_symlink(&build->system, path, target);
    }
    buffer_done(&text);
    return is_good;
}

static bool write_registries(struct image_build *build, struct error *error)
{
    struct buffer list;
    struct buffer group;
    CLEANUP_FREE char *debian = output_path(build, "groups/debian.txt");
    CLEANUP_FREE char *npm = output_path(build, "groups/npm.txt");
    buffer_init(&list, GROUP_BYTES_LIMIT);
    buffer_init(&group, GROUP_BYTES_LIMIT);
    bool is_good = image_debian_read_sources(&build->system, &list, &group, error) &&
                   file_write_atomic(debian, buffer_bytes(&group), 0644, error);
    if (is_good) {
        CLEANUP_FREE char *text = bytes_copy_text(buffer_bytes(&list));
        image_tree_remove(&build->system, "etc/apt/sources.list.d");
        image_tree_add_directory(&build->system, "etc/apt/sources.list.d", 0755);
        image_tree_add_text(&build->system, "etc/apt/sources.list", 0644, text);
        buffer_clear(&group);
        is_good = image_npm_write_group(build->registry, &group, error) &&
                  file_write_atomic(npm, buffer_bytes(&group), 0644, error);
    }
    buffer_done(&list);
    buffer_done(&group);
    return is_good;
}

static bool is_kernel(const struct image_node *node)
{
    return node->type == TAR_FILE && strncmp(node->path, "boot/vmlinuz-", 13) == 0;
}

static bool write_kernel(struct image_build *build, struct error *error)
{
    CLEANUP_FREE char *path = output_path(build, "vmlinuz");
    for (size_t i = 0; i < build->system.count; i++) {
        const struct image_node *node = &build->system.nodes[i];
        if (!is_kernel(node))
            continue;
        build->kernel = memory_copy_text(node->path + strlen("boot/vmlinuz-"));
        return file_write_atomic(path, node->content, 0644, error);
    }
    return error_set(error, "the system has no kernel");
}

static bool complete_system(struct image_build *build, struct error *error)
{
    CLEANUP_FREE char *files = memory_format("%s/agent", build->options->data);
    if (!add_node(build, error) || !write_registries(build, error) ||
        !image_tree_add_folder(&build->system, files, "", error) || !add_links(build, error) ||
        !add_program(build, &build->system, build->options->init, "usr/lib/rootcell/rootcell-init",
                     error))
        return false;
    image_tree_set_owner(&build->system, "home/agent", AGENT_USER, AGENT_USER);
    image_tree_sort(&build->system, image_time_seconds);
    return image_debian_list_packages(&build->system, &build->manifest, error) &&
           write_kernel(build, error);
}

static bool write_agent_disk(struct image_build *build, struct error *error)
{
    CLEANUP_FREE char *path = output_path(build, "agent.img");
    struct image_ext4_request request = {.tree = &build->system,
                                         .path = path,
                                         .label = "root",
                                         .uuid = agent_uuid,
                                         .spare_bytes = AGENT_SPARE_BYTES,
                                         .time_seconds = image_time_seconds,
                                         .has_journal = true,
                                         .on_progress = tell_bytes,
                                         .context = build};
    return image_ext4_write(&request, error);
}

/* ---- what boots ---- */

static bool add_modules(struct image_build *build, struct image_tree *initramfs, const char *names,
                        struct error *error)
{
    struct buffer text;
    buffer_init(&text, DATA_BYTES_LIMIT);
    bool is_good = read_data(build, names, &text, error) &&
                   image_initramfs_add_modules(initramfs, &build->system, build->kernel,
                                               buffer_bytes(&text), error);
    buffer_done(&text);
    return is_good;
}

static bool write_initramfs(struct image_build *build, struct image_tree *initramfs,
                            const char *name, struct error *error)
{
    CLEANUP_FREE char *path = output_path(build, name);
    image_tree_sort(initramfs, image_time_seconds);
    return image_initramfs_write(initramfs, NULL, path, error);
}

static bool write_agent_initramfs(struct image_build *build, struct error *error)
{
    struct image_tree initramfs;
    image_tree_init(&initramfs);
    image_tree_add_directory(&initramfs, "rootcell", 0700);
    bool is_good = add_program(build, &initramfs, build->options->init, "init", error) &&
                   add_modules(build, &initramfs, "agent-modules.txt", error) &&
                   write_initramfs(build, &initramfs, "agent.initramfs", error);
    image_tree_done(&initramfs);
    return is_good;
}

static bool add_firewall_files(struct image_build *build, struct image_tree *initramfs,
                               struct error *error)
{
    struct buffer names;
    buffer_init(&names, DATA_BYTES_LIMIT);
    bool is_good = read_data(build, "firewall-files.txt", &names, error) &&
                   image_initramfs_add_files(initramfs, &build->door, build->options->architecture,
                                             buffer_bytes(&names), error);
    buffer_clear(&names);
    is_good = is_good && read_data(build, "firewall-applets.txt", &names, error);
    if (is_good)
        image_initramfs_add_applets(initramfs, buffer_bytes(&names));
    buffer_done(&names);
    return is_good;
}

/* What comes from Debian: it stays when our programs change. */
static bool write_firewall_base(struct image_build *build, struct error *error)
{
    static const char *const merged[] = {"bin", "sbin", "lib", "lib64"};
    static const char *const folders[] = {"proc", "sys", "run", "tmp"};
    struct image_tree base;
    image_tree_init(&base);
    image_tree_add_directory(&base, "rootcell", 0700);
    image_tree_add_directory(&base, "root", 0700);
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        image_tree_add_directory(&base, folders[i], 0755);
    for (size_t i = 0; i < sizeof(merged) / sizeof(merged[0]); i++) {
        CLEANUP_FREE char *target = memory_format("usr/%s", merged[i]);
        image_tree_add_symlink(&base, merged[i], target);
    }
    image_tree_add_symlink(&base, "init", "usr/sbin/rootcell-init");
    bool is_good = add_firewall_files(build, &base, error) &&
                   add_modules(build, &base, "firewall-modules.txt", error) &&
                   write_initramfs(build, &base, "firewall.base", error);
    image_tree_done(&base);
    return is_good;
}

/* Our programs and settings behind the base. */
static bool write_firewall_initramfs(struct image_build *build, struct error *error)
{
    struct image_tree ours;
    CLEANUP_FREE char *files = memory_format("%s/firewall", build->options->data);
    CLEANUP_FREE char *providers = memory_format("%s/../providers", build->options->data);
    CLEANUP_FREE char *base = output_path(build, "firewall.base");
    CLEANUP_FREE char *path = output_path(build, "firewall.initramfs");
    image_tree_init(&ours);
    image_tree_add_directory(&ours, "etc/rootcell", 0755);
    image_tree_add_directory(&ours, "etc/rootcell/providers", 0755);
    bool is_good =
        add_program(build, &ours, build->options->init, "usr/sbin/rootcell-init", error) &&
        add_program(build, &ours, build->options->firewall, "usr/sbin/rootcell-firewall", error) &&
        image_tree_add_folder(&ours, files, "", error) &&
        image_tree_add_folder(&ours, providers, "etc/rootcell/providers", error);
    if (is_good) {
        image_tree_sort(&ours, image_time_seconds);
        is_good = image_initramfs_write(&ours, base, path, error);
    }
    image_tree_done(&ours);
    return is_good;
}

static bool write_boot_files(struct image_build *build, struct error *error)
{
    return write_agent_initramfs(build, error) && write_firewall_base(build, error) &&
           write_firewall_initramfs(build, error);
}

/* ---- layers ---- */

static bool write_pi_layer(struct image_build *build, struct error *error)
{
    struct image_tree layer;
    CLEANUP_FREE char *path = output_path(build, "layers/pi.img");
    CLEANUP_FREE char *files = memory_format("%s/layers/pi", build->options->data);
    image_tree_init(&layer);
    bool is_good = add_npm_package(build, "pi", &layer, "package/", "package", error) &&
                   image_tree_add_folder(&layer, files, "", error);
    if (is_good) {
        image_tree_sort(&layer, image_time_seconds);
        struct image_ext4_request request = {.tree = &layer,
                                             .path = path,
                                             .label = "pi",
                                             .uuid = layer_uuid,
                                             .spare_bytes = LAYER_SPARE_BYTES,
                                             .time_seconds = image_time_seconds};
        is_good = image_ext4_write(&request, error);
    }
    image_tree_done(&layer);
    return is_good;
}

/* ---- the whole ---- */

/* All providers as one hash. */
static bool hash_providers(const struct image_build_options *options,
                           char sha256[MANIFEST_HASH_SIZE], struct error *error)
{
    CLEANUP_FREE char *folder = memory_format("%s/../providers", options->data);
    struct image_tree tree;
    struct buffer text;
    buffer_init(&text, DATA_BYTES_LIMIT);
    image_tree_init(&tree);
    bool is_good = image_tree_add_folder(&tree, folder, "", error);
    image_tree_sort(&tree, 0);
    for (size_t i = 0; is_good && i < tree.count; i++)
        is_good = (buffer_append_format(&text, "%s\n", tree.nodes[i].path) &&
                   buffer_append(&text, tree.nodes[i].content)) ||
                  error_set(error, "%s: too much", folder);
    is_good = is_good && image_hash_bytes(buffer_bytes(&text), sha256, error);
    image_tree_done(&tree);
    buffer_done(&text);
    return is_good;
}

/*
 * The version of rootcell, and which programs of it, with their providers:
 * `0.1.0 programs 0123456789abcdef`.
 */
static bool name_release(const struct image_build_options *options, char *release, size_t size,
                         struct error *error)
{
    char init[MANIFEST_HASH_SIZE];
    char firewall[MANIFEST_HASH_SIZE];
    char providers[MANIFEST_HASH_SIZE];
    char all[MANIFEST_HASH_SIZE];
    uint64_t size_bytes;
    if (!image_hash_file(options->init, init, &size_bytes, NULL, NULL, error) ||
        !image_hash_file(options->firewall, firewall, &size_bytes, NULL, NULL, error) ||
        !hash_providers(options, providers, error))
        return false;
    CLEANUP_FREE char *text = memory_format("%s %s %s", init, firewall, providers);
    if (!image_hash_bytes(bytes_from_text(text), all, error))
        return false;
    snprintf(release, size, "%s programs %.16s", ROOTCELL_VERSION, all);
    return true;
}

static bool write_manifest(struct image_build *build, struct error *error)
{
    snprintf(build->manifest.architecture, sizeof(build->manifest.architecture), "%s",
             build->options->architecture);
    if (!name_release(build->options, build->manifest.release, sizeof(build->manifest.release),
                      error))
        return false;
    return image_inputs_write(build->partial, build->made_from, error) &&
           image_folder_write_manifest(build->partial, &build->manifest, error);
}

/* The archives go, and the folder takes its place. */
static bool publish(struct image_build *build, struct error *error)
{
    return file_remove_tree(build->inputs, error) &&
           image_folder_publish(build->partial, build->options->folder, error);
}

struct step {
    const char *text;
    bool (*run)(struct image_build *build, struct error *error);
};

static const struct step steps[] = {
    {"image: Debian packages of the firewall", make_firewall_archive},
    {"image: Debian system of the agent", make_agent_archive},
    {"image: Node.js and settings", complete_system},
    {"image: kernel and initramfs", write_boot_files},
    {"image: disk of the agent", write_agent_disk},
    {"image: layer of Pi", write_pi_layer},
    {"image: hashes", write_manifest},
    {"image: clean up", publish},
};

static bool run_steps(struct image_build *build, struct error *error)
{
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        progress_begin(&build->progress, steps[i].text, QUIET_MS);
        if (!steps[i].run(build, error)) {
            progress_abandon(&build->progress);
            return false;
        }
        progress_end(&build->progress);
    }
    return true;
}

bool image_build_run(const struct image_build_options *options, struct error *error)
{
    struct image_build build = {.options = options};
    build.partial = memory_format("%s.partial", options->folder);
    build.inputs = memory_format("%s/inputs", build.partial);
    image_tree_init(&build.system);
    image_tree_init(&build.door);
    manifest_init(&build.manifest);
    bool is_good = image_inputs_hash(options, build.made_from, error) &&
                   prepare_folders(&build, error) && run_steps(&build, error);
    manifest_done(&build.manifest);
    image_tree_done(&build.door);
    image_tree_done(&build.system);
    free(build.kernel);
    free(build.registry);
    free(build.inputs);
    free(build.partial);
    return is_good || error_add_context(error, "build the image");
}

bool image_build_is_current(const struct image_build_options *options)
{
    char wanted[MANIFEST_HASH_SIZE], noted[MANIFEST_HASH_SIZE];
    struct error why;
    return image_folder_check(options->folder, options->architecture, &why) &&
           image_inputs_read(options->folder, noted) && image_inputs_hash(options, wanted, &why) &&
           strcmp(noted, wanted) == 0 &&
           image_folder_check_hashes(options->folder, "image: hashes of what is there", &why);
}

/* ---- other programs in the same image ---- */

static bool refresh(struct image_build *build, const char *release, struct error *error)
{
    progress_begin(&build->progress, "image: new programs in the firewall", QUIET_MS);
    snprintf(build->manifest.release, sizeof(build->manifest.release), "%s", release);
    bool is_good = file_make_directories(build->inputs, 0755, error) &&
                   write_firewall_initramfs(build, error) &&
                   image_folder_update_manifest(build->partial, &build->manifest,
                                                "firewall.initramfs", error) &&
                   file_remove_tree(build->inputs, error);
    if (is_good)
        progress_end(&build->progress);
    else
        progress_abandon(&build->progress);
    return is_good;
}

bool image_build_refresh(const struct image_build_options *options, struct error *error)
{
    CLEANUP_FREE char *signature = memory_format("%s/manifest.json.sig", options->folder);
    CLEANUP_FREE char *base = memory_format("%s/firewall.base", options->folder);
    char release[MANIFEST_TEXT_SIZE];
    struct image_build build = {.options = options};
    if (file_exists(signature) || !file_exists(base))
        return true;
    if (!image_folder_read(options->folder, &build.manifest, error))
        return false;
    build.partial = memory_copy_text(options->folder);
    build.inputs = memory_format("%s.refresh", options->folder);
    bool is_good = name_release(options, release, sizeof(release), error);
    if (is_good && strcmp(release, build.manifest.release) != 0)
        is_good = refresh(&build, release, error);
    manifest_done(&build.manifest);
    free(build.inputs);
    free(build.partial);
    return is_good || error_add_context(error, "refresh the image");
}
