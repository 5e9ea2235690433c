#include "host/image_ext4.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <et/com_err.h>
#include <ext2fs/ext2fs.h>

#include "base/memory.h"
#include "system/child.h"
#include "system/file.h"

enum {
    BLOCK_BYTES = 4096,
    INODE_BYTES = 16384, /* mke2fs's usual ratio: one inode for so many bytes */
    ROUND_BYTES = 1024 * 1024,
    WRITE_BYTES = 1024 * 1024,
    NAME_LIMIT = 256,
};

struct writer {
    const struct image_ext4_request *request;
    ext2_filsys fs;
    ext2_ino_t *inodes; /* of each node of the tree, 0 while it is not made */
    uint64_t done, total;
};

/* ---- the empty file system ---- */

static uint64_t needed_bytes(const struct image_ext4_request *request, uint64_t *content_bytes)
{
    uint64_t bytes = 0;
    *content_bytes = 0;
    for (size_t i = 0; i < request->tree->count; i++) {
        const struct image_node *node = &request->tree->nodes[i];
        bytes += (node->content.length + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
        bytes += node->type == TAR_DIRECTORY ? BLOCK_BYTES : 0;
        *content_bytes += node->content.length;
    }
    bytes += request->spare_bytes;
    uint64_t for_inodes = (uint64_t)request->tree->count * INODE_BYTES * 5 / 4;
    bytes = bytes > for_inodes ? bytes : for_inodes;
    return (bytes + ROUND_BYTES - 1) / ROUND_BYTES * ROUND_BYTES;
}

static bool format(const struct image_ext4_request *request, uint64_t size_bytes,
                   struct error *error)
{
    /* The features are spelled out: the host's mke2fs.conf would choose others. */
    static const char features[] =
        "none,ext_attr,resize_inode,dir_index,filetype,extent,flex_bg,sparse_super,large_file,"
        "huge_file,dir_nlink,extra_isize,metadata_csum,64bit";
    struct argument_list arguments CLEANUP_ARGUMENTS;
    struct argument_list environment CLEANUP_ARGUMENTS;
    argument_list_init(&arguments);
    argument_list_init(&environment);
    argument_list_add_all(&arguments, "/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-I",
                          "256", "-m", "0", "-L", request->label, "-U", request->uuid, "-O", NULL);
    argument_list_add_format(&arguments, "%s%s", features,
                             request->has_journal ? ",has_journal" : "");
    argument_list_add(&arguments, "-E");
    argument_list_add_format(&arguments, "hash_seed=%s,root_owner=0:0,lazy_itable_init=0,nodiscard",
                             request->uuid);
    argument_list_add(&arguments, request->path);
    argument_list_add_format(&arguments, "%lluk", (unsigned long long)(size_bytes / 1024));
    argument_list_add_format(&environment, "E2FSPROGS_FAKE_TIME=%llu",
                             (unsigned long long)request->time_seconds);
    argument_list_add(&environment, "MKE2FS_CONFIG=/dev/null");
    struct buffer errors;
    buffer_init(&errors, 4096);
    struct child_request child = {.arguments = &arguments,
                                  .environment = &environment,
                                  .error_stream = CHILD_STREAM_CAPTURE,
                                  .errors = &errors};
    int status;
    bool is_good = child_run(&child, &status, error);
    if (is_good && status != 0)
        is_good = error_set(error, "mke2fs: %.*s", (int)buffer_length(&errors),
                            (const char *)buffer_bytes(&errors).data);
    buffer_done(&errors);
    return is_good;
}

/* ---- files ---- */

static bool fail(struct error *error, errcode_t code, const char *path)
{
    return error_set(error, "%s: %s", path, error_message(code));
}

/* The folder of a node and its name in it. The root folder is no node. */
static bool find_parent(const struct writer *writer, const struct image_node *node,
                        ext2_ino_t *parent, const char **name)
{
    const char *slash = strrchr(node->path, '/');
    *name = slash == NULL ? node->path : slash + 1;
    *parent = EXT2_ROOT_INO;
    if (slash == NULL)
        return true;
    CLEANUP_FREE char *folder = memory_format("%.*s", (int)(slash - node->path), node->path);
    const struct image_node *found = image_tree_find(writer->request->tree, folder);
    *parent = found == NULL ? 0 : writer->inodes[found - writer->request->tree->nodes];
    return *parent != 0;
}

static errcode_t link_name(ext2_filsys fs, ext2_ino_t parent, const char *name, ext2_ino_t inode,
                           int type)
{
    errcode_t code = ext2fs_link(fs, parent, name, inode, type);
    if (code != EXT2_ET_DIR_NO_SPACE)
        return code;
    code = ext2fs_expand_dir(fs, parent);
    return code != 0 ? code : ext2fs_link(fs, parent, name, inode, type);
}

static void set_attributes(struct ext2_inode *inode, const struct image_node *node)
{
    inode->i_mode = (__u16)((inode->i_mode & LINUX_S_IFMT) | node->mode);
    inode->i_uid = (__u16)node->user;
    inode->i_gid = (__u16)node->group;
    inode->osd2.linux2.l_i_uid_high = (__u16)(node->user >> 16);
    inode->osd2.linux2.l_i_gid_high = (__u16)(node->group >> 16);
    inode->i_atime = inode->i_ctime = inode->i_mtime = (__u32)node->time_seconds;
}

static errcode_t write_attributes(ext2_filsys fs, ext2_ino_t number, const struct image_node *node)
{
    struct ext2_inode inode;
    errcode_t code = ext2fs_read_inode(fs, number, &inode);
    if (code != 0)
        return code;
    set_attributes(&inode, node);
    return ext2fs_write_inode(fs, number, &inode);
}

static errcode_t make_folder(ext2_filsys fs, ext2_ino_t parent, const char *name, ext2_ino_t number)
{
    errcode_t code = ext2fs_mkdir(fs, parent, number, name);
    if (code != EXT2_ET_DIR_NO_SPACE)
        return code;
    code = ext2fs_expand_dir(fs, parent);
    return code != 0 ? code : ext2fs_mkdir(fs, parent, number, name);
}

static errcode_t make_symlink(ext2_filsys fs, ext2_ino_t parent, const char *name,
                              ext2_ino_t number, const char *target)
{
    errcode_t code = ext2fs_symlink(fs, parent, number, name, target);
    if (code != EXT2_ET_DIR_NO_SPACE)
        return code;
    code = ext2fs_expand_dir(fs, parent);
    return code != 0 ? code : ext2fs_symlink(fs, parent, number, name, target);
}

static errcode_t write_content(struct writer *writer, ext2_ino_t number, struct bytes content)
{
    ext2_file_t file;
    errcode_t code = ext2fs_file_open(writer->fs, number, EXT2_FILE_WRITE, &file);
    if (code != 0)
        return code;
    const struct image_ext4_request *request = writer->request;
    while (code == 0 && content.length > 0) {
        struct bytes part = bytes_first(content, WRITE_BYTES);
        unsigned written = 0;
        code = ext2fs_file_write(file, part.data, (unsigned)part.length, &written);
        content = bytes_from(content, written);
        writer->done += written;
        if (request->on_progress != NULL)
            request->on_progress(request->context, writer->done, writer->total);
    }
    errcode_t closed = ext2fs_file_close(file);
    return code != 0 ? code : closed;
}

static errcode_t make_file(struct writer *writer, ext2_ino_t parent, const char *name,
                           ext2_ino_t number, const struct image_node *node)
{
    ext2_filsys fs = writer->fs;
    struct ext2_inode inode = {.i_mode = LINUX_S_IFREG, .i_links_count = 1};
    ext2_extent_handle_t extents;
    errcode_t code = link_name(fs, parent, name, number, EXT2_FT_REG_FILE);
    if (code != 0)
        return code;
    ext2fs_inode_alloc_stats2(fs, number, +1, 0);
    set_attributes(&inode, node);
    inode.i_flags |= EXT4_EXTENTS_FL;
    code = ext2fs_inode_size_set(fs, &inode, (ext2_off64_t)node->content.length);
    if (code == 0)
        code = ext2fs_extent_open2(fs, number, &inode, &extents);
    if (code != 0)
        return code;
    ext2fs_extent_free(extents);
    code = ext2fs_write_new_inode(fs, number, &inode);
    if (code != 0 || node->content.length == 0)
        return code;
    return write_content(writer, number, node->content);
}

/* Folders are made with mode 0 until their files are in: their times are set at the end. */
static bool make_node(struct writer *writer, size_t index, struct error *error)
{
    const struct image_node *node = &writer->request->tree->nodes[index];
    ext2_ino_t parent;
    const char *name;
    if (node->type == TAR_HARD_LINK || node->type == TAR_FIFO)
        return true;
    if (!find_parent(writer, node, &parent, &name))
        return error_set(error, "%s: its folder is missing", node->path);
    if (strcmp(node->path, "lost+found") == 0)
        return true;
    ext2_ino_t number;
    int kind = node->type == TAR_DIRECTORY ? LINUX_S_IFDIR : LINUX_S_IFREG;
    errcode_t code = ext2fs_new_inode(writer->fs, parent, kind, NULL, &number);
    if (code == 0 && node->type == TAR_DIRECTORY)
        code = make_folder(writer->fs, parent, name, number);
    else if (code == 0 && node->type == TAR_SYMLINK)
        code = make_symlink(writer->fs, parent, name, number, node->link);
    else if (code == 0)
        code = make_file(writer, parent, name, number, node);
    if (code != 0)
        return fail(error, code, node->path);
    writer->inodes[index] = number;
    return true;
}

static bool make_hard_link(struct writer *writer, const struct image_node *node,
                           struct error *error)
{
    const struct image_tree *tree = writer->request->tree;
    const struct image_node *target = image_tree_find(tree, node->link);
    ext2_ino_t number = target == NULL ? 0 : writer->inodes[target - tree->nodes];
    ext2_ino_t parent;
    const char *name;
    if (number == 0 || !find_parent(writer, node, &parent, &name))
        return error_set(error, "%s: its file or folder is missing", node->path);
    struct ext2_inode inode;
    errcode_t code = link_name(writer->fs, parent, name, number, EXT2_FT_REG_FILE);
    if (code == 0)
        code = ext2fs_read_inode(writer->fs, number, &inode);
    if (code != 0)
        return fail(error, code, node->path);
    inode.i_links_count++;
    code = ext2fs_write_inode(writer->fs, number, &inode);
    return code == 0 || fail(error, code, node->path);
}

static bool make_nodes(struct writer *writer, struct error *error)
{
    const struct image_tree *tree = writer->request->tree;
    for (size_t i = 0; i < tree->count; i++) {
        if (!make_node(writer, i, error))
            return false;
    }
    for (size_t i = 0; i < tree->count; i++) {
        if (tree->nodes[i].type == TAR_HARD_LINK && !make_hard_link(writer, &tree->nodes[i], error))
            return false;
    }
    for (size_t i = 0; i < tree->count; i++) {
        if (writer->inodes[i] == 0 || tree->nodes[i].type == TAR_FILE)
            continue;
        errcode_t code = write_attributes(writer->fs, writer->inodes[i], &tree->nodes[i]);
        if (code != 0)
            return fail(error, code, tree->nodes[i].path);
    }
    return true;
}

static bool fill(struct writer *writer, struct error *error)
{
    const struct image_ext4_request *request = writer->request;
    errcode_t code = ext2fs_open(request->path, EXT2_FLAG_RW | EXT2_FLAG_64BITS, 0, 0,
                                 unix_io_manager, &writer->fs);
    if (code != 0)
        return fail(error, code, request->path);
    writer->fs->now = (time_t)request->time_seconds;
    code = ext2fs_read_bitmaps(writer->fs);
    bool is_good = code == 0 ? make_nodes(writer, error) : fail(error, code, request->path);
    errcode_t closed = ext2fs_close_free(&writer->fs);
    return is_good && (closed == 0 || fail(error, closed, request->path));
}

bool image_ext4_write(const struct image_ext4_request *request, struct error *error)
{
    struct writer writer = {.request = request};
    uint64_t size_bytes = needed_bytes(request, &writer.total);
    unlink(request->path);
    if (!format(request, size_bytes, error))
        return false;
    initialize_ext2_error_table();
    writer.inodes = memory_new_array(request->tree->count + 1, sizeof(*writer.inodes));
    bool is_good = fill(&writer, error);
    free(writer.inodes);
    return is_good;
}
