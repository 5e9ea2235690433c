#include "host/image_debian.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "host/image_host.h"
#include "host/image_initramfs.h"
#include "host/image_process.h"
#include "system/child.h"
#include "system/file.h"

enum {
    SOURCES_BYTES_LIMIT = 64 * 1024,
    LOG_BYTES_LIMIT = 16 * 1024 * 1024,
    STAGES = 2, /* each package is unpacked, then set up */
};

const char *image_debian_architecture(const char *architecture)
{
    return strcmp(architecture, "aarch64") == 0 ? "arm64" : "amd64";
}

/* ---- where packages come from ---- */

static bool is_wanted_suite(struct bytes suite)
{
    return bytes_equal_text(suite, IMAGE_DEBIAN_SUITE) ||
           bytes_equal_text(suite, IMAGE_DEBIAN_SUITE "-updates") ||
           bytes_equal_text(suite, IMAGE_DEBIAN_SUITE "-security");
}

/* `URI|SUITE|COMPONENT|ORIGIN` as one line of a sources.list. */
static bool append_source(struct buffer *list, struct bytes line)
{
    struct bytes uri;
    struct bytes suite;
    struct bytes component;
    bytes_next_token(&line, '|', &uri);
    bytes_next_token(&line, '|', &suite);
    bytes_next_token(&line, '|', &component);
    bool is_web = bytes_start_with(uri, BYTES_LITERAL("https://")) ||
                  bytes_start_with(uri, BYTES_LITERAL("http://"));
    bool is_debian = line.length == 0 || bytes_equal_text(line, "Debian");
    if (!is_web || !is_debian || !is_wanted_suite(suite))
        return true;
    return buffer_append_format(list, "deb %.*s %.*s %.*s\n", (int)uri.length, uri.data,
                                (int)suite.length, suite.data, (int)component.length,
                                component.data);
}

bool image_debian_find_sources(struct buffer *list, struct error *error)
{
    struct argument_list arguments CLEANUP_ARGUMENTS;
    struct error no_apt;
    argument_list_init(&arguments);
    argument_list_add_all(&arguments, "apt-get", "indextargets", "--format",
                          "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)", "Created-By: Packages",
                          NULL);
    struct buffer output;
    buffer_init(&output, SOURCES_BYTES_LIMIT);
    bool is_good = true;
    if (child_run_quietly(&arguments, &output, &no_apt)) {
        struct bytes rest = buffer_bytes(&output);
        struct bytes line;
        while (is_good && bytes_next_token(&rest, '\n', &line))
            is_good = append_source(list, line) || error_set(error, "too many apt sources");
    }
    buffer_done(&output);
    return is_good;
}

/* ---- mmdebstrap ---- */

struct run {
    const struct image_debian_request *request;
    const char *log;
};

static size_t count_lines(struct bytes text, struct bytes start)
{
    struct bytes line;
    size_t count = 0;
    while (bytes_next_token(&text, '\n', &line))
        count += bytes_start_with(line, start) ? 1 : 0;
    return count;
}

/* How far apt and dpkg are, from what they say in the log: a line for each package and stage. */
static void tell_progress(void *context)
{
    const struct run *run = context;
    struct buffer text;
    struct error ignored;
    buffer_init(&text, LOG_BYTES_LIMIT);
    uint64_t total = 0;
    uint64_t done = 0;
    if (file_read(run->log, &text, &ignored)) {
        struct bytes log = buffer_bytes(&text);
        total = STAGES * count_lines(log, BYTES_LITERAL("Get:"));
        done = count_lines(log, BYTES_LITERAL("Unpacking ")) +
               count_lines(log, BYTES_LITERAL("Setting up "));
    }
    buffer_done(&text);
    if (run->request->on_progress != NULL)
        run->request->on_progress(run->request->context, done, total);
}

static void add_includes(struct argument_list *arguments, struct bytes packages)
{
    struct bytes name;
    while (image_initramfs_next_name(&packages, &name))
        argument_list_add_format(arguments, "--include=%.*s", (int)name.length,
                                 (const char *)name.data);
}

static void add_arguments(struct argument_list *arguments,
                          const struct image_debian_request *request, const char *sources)
{
    argument_list_add_all(arguments, "mmdebstrap", "--verbose", "--format=tar", NULL);
    argument_list_add_format(arguments, "--variant=%s", request->variant);
    argument_list_add_format(arguments, "--architectures=%s",
                             image_debian_architecture(request->architecture));
    argument_list_add_all(
        arguments, "--aptopt=Acquire::Retries \"3\"", "--aptopt=APT::Install-Recommends \"false\"",
        "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/info/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*", "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-include=/usr/share/doc/*/copyright", NULL);
    add_includes(arguments, request->packages);
    /* A system that is only extracted is never customized. */
    bool is_extracted = strcmp(request->variant, "extract") == 0;
    if (request->hook != NULL)
        argument_list_add_format(arguments, "--%s-hook=%s", is_extracted ? "extract" : "customize",
                                 request->hook);
    argument_list_add_all(arguments, IMAGE_DEBIAN_SUITE, request->output, NULL);
    if (sources != NULL)
        argument_list_add(arguments, sources);
}

static bool run_mmdebstrap(const struct image_debian_request *request, const char *sources,
                           struct error *error)
{
    CLEANUP_FREE char *log = memory_format("%s/mmdebstrap.log", request->work);
    struct argument_list arguments CLEANUP_ARGUMENTS;
    struct argument_list environment CLEANUP_ARGUMENTS;
    argument_list_init(&arguments);
    argument_list_init(&environment);
    add_arguments(&arguments, request, sources);
    argument_list_add_format(&environment, "SOURCE_DATE_EPOCH=%llu",
                             (unsigned long long)request->time_seconds);
    argument_list_add(&environment, "LC_ALL=C.UTF-8");
    argument_list_add_format(&environment, "ROOTCELL_ARCHITECTURE=%s",
                             image_debian_architecture(request->architecture));
    /* The system is some hundred megabytes: /tmp may be memory. */
    if (getenv("TMPDIR") == NULL && file_is_directory("/var/tmp"))
        argument_list_add(&environment, "TMPDIR=/var/tmp");
    struct run run = {request, log};
    struct image_process_request process = {.arguments = &arguments,
                                            .environment = &environment,
                                            .log = log,
                                            .on_tick = tell_progress,
                                            .context = &run};
    return image_process_run(&process, error);
}

bool image_debian_make(const struct image_debian_request *request, struct error *error)
{
    CLEANUP_FREE char *sources = memory_format("%s/sources.list", request->work);
    struct buffer list;
    buffer_init(&list, SOURCES_BYTES_LIMIT);
    unlink(request->output);
    bool is_good = image_debian_find_sources(&list, error) &&
                   file_write_atomic(sources, buffer_bytes(&list), 0644, error);
    bool has_sources = buffer_length(&list) > 0;
    buffer_done(&list);
    return is_good && run_mmdebstrap(request, has_sources ? sources : NULL, error);
}

/* ---- what the guest's apt is told ---- */

static bool has_line(const struct buffer *text, struct bytes line)
{
    struct bytes rest = buffer_bytes(text);
    struct bytes other;
    while (bytes_next_token(&rest, '\n', &other)) {
        if (bytes_equal(other, line))
            return true;
    }
    return false;
}

/* A rule for everything below the address, once for each. */
static bool append_rule(struct buffer *group, struct bytes place)
{
    struct bytes host = bytes_first(place, bytes_index_of(place, '/'));
    struct bytes path = bytes_from(place, host.length);
    while (bytes_end_with(path, BYTES_LITERAL("/")))
        path.length--;
    CLEANUP_FREE char *name =
        memory_format("%.*s", (int)bytes_index_of(host, ':'), (const char *)host.data);
    CLEANUP_FREE char *line = memory_format(
        "https %.*s GET,HEAD %.*s/**%s", (int)host.length, (const char *)host.data,
        (int)path.length, (const char *)path.data, image_host_is_private(name) ? " +private" : "");
    return has_line(group, bytes_from_text(line)) || buffer_append_format(group, "%s\n", line);
}

/* One line of a sources.list: `deb [OPTIONS] URI SUITE COMPONENT...`. */
static bool read_source_line(struct bytes line, struct buffer *list, struct buffer *group)
{
    if (!bytes_start_with(line, BYTES_LITERAL("deb ")))
        return true;
    struct bytes rest = bytes_trim(bytes_from(line, 4));
    if (bytes_start_with(rest, BYTES_LITERAL("[")))
        rest = bytes_trim(bytes_from(rest, bytes_index_of(rest, ']') + 1));
    struct bytes uri = bytes_first(rest, bytes_index_of(rest, ' '));
    struct bytes suite = bytes_trim(bytes_from(rest, uri.length));
    size_t scheme = bytes_start_with(uri, BYTES_LITERAL("https://"))  ? 8
                    : bytes_start_with(uri, BYTES_LITERAL("http://")) ? 7
                                                                      : 0;
    if (scheme == 0)
        return true;
    struct bytes place = bytes_from(uri, scheme);
    return buffer_append_format(list, "deb https://%.*s %.*s\n", (int)place.length, place.data,
                                (int)suite.length, suite.data) &&
           append_rule(group, place);
}

bool image_debian_read_sources(const struct image_tree *system, struct buffer *list,
                               struct buffer *group, struct error *error)
{
    for (size_t i = 0; i < system->count; i++) {
        const struct image_node *node = &system->nodes[i];
        if (node->type != TAR_FILE || strncmp(node->path, "etc/apt/sources.list", 20) != 0)
            continue;
        struct bytes rest = node->content;
        struct bytes line;
        while (bytes_next_token(&rest, '\n', &line)) {
            if (!read_source_line(line, list, group))
                return error_set(error, "too many apt sources");
        }
    }
    return buffer_length(list) > 0 || error_set(error, "the system has no apt sources");
}

/* ---- versions ---- */

static bool copy_value(struct bytes line, const char *key, char *text, size_t size)
{
    if (!bytes_start_with(line, bytes_from_text(key)))
        return false;
    struct bytes value = bytes_trim(bytes_from(line, strlen(key)));
    snprintf(text, size, "%.*s", (int)value.length, (const char *)value.data);
    return true;
}

bool image_debian_list_packages(const struct image_tree *system, struct manifest *manifest,
                                struct error *error)
{
    const struct image_node *status = image_tree_find(system, "var/lib/dpkg/status");
    if (status == NULL)
        return error_set(error, "the system has no var/lib/dpkg/status");
    struct bytes rest = status->content;
    struct bytes line;
    struct manifest_package package = {.origin = MANIFEST_ORIGIN_DEBIAN};
    while (bytes_next_token(&rest, '\n', &line)) {
        if (copy_value(line, "Package: ", package.name, sizeof(package.name)) ||
            !copy_value(line, "Version: ", package.version, sizeof(package.version)))
            continue;
        if (manifest->package_count >= MANIFEST_PACKAGE_LIMIT)
            return error_set(error, "more than %d packages", MANIFEST_PACKAGE_LIMIT);
        manifest_add_package(manifest, &package);
    }
    return true;
}
