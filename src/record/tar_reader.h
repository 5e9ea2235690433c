#ifndef RECORD_TAR_READER_H
#define RECORD_TAR_READER_H

#include "base/buffer.h"

/**
 * A reader of tar archives that lie in memory (POSIX.1-2017 pax, "ustar Interchange Format" and
 * "pax Header Block"; GNU's L and K entries for long names). What Debian's and npm's tools write is
 * taken; anything malformed is refused, never guessed at.
 */

enum tar_status { TAR_ENTRY, TAR_END, TAR_BAD };

enum tar_type {
    TAR_FILE,
    TAR_HARD_LINK,
    TAR_SYMLINK,
    TAR_CHARACTER_DEVICE,
    TAR_BLOCK_DEVICE,
    TAR_DIRECTORY,
    TAR_FIFO,
};

struct tar_entry {
    enum tar_type type;
    struct bytes path;    /* without `./` before or `/` behind; empty for the root; borrowed */
    struct bytes link;    /* links: what it leads to; hard links as `path`; borrowed */
    struct bytes content; /* files; borrowed from the archive */
    uint32_t mode;        /* permission bits */
    uint32_t user, group;
    uint64_t time_seconds;
};

struct tar_reader {
    struct bytes rest;       /* borrowed: not yet read */
    struct buffer long_path; /* of the entry at hand, when its header has no room for it */
    struct buffer long_link;
    const char *reason; /* of TAR_BAD, static */
};

enum { TAR_PATH_LIMIT = 4096 };

void tar_reader_init(struct tar_reader *reader, struct bytes archive);
void tar_reader_done(struct tar_reader *reader);

/**
 * The next entry. Its path and link are valid until the next call. A path with a `..` part or a
 * leading slash is TAR_BAD.
 */
enum tar_status tar_reader_next(struct tar_reader *reader, struct tar_entry *entry);

#endif
