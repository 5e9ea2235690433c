#ifndef HOST_POLICY_FILES_H
#define HOST_POLICY_FILES_H

#include "base/buffer.h"
#include "base/error.h"
#include "policy/policy.h"
#include "record/cpio_archive.h"

enum { POLICY_FILES_GROUP_LIMIT = 64, POLICY_FILES_NAME_SIZE = 64 };

/** The policy of an instance as it stands on disk: three files and the groups. */
struct policy_files {
    struct buffer texts[POLICY_KIND_COUNT]; /* by enum policy_kind */
    char group_names[POLICY_FILES_GROUP_LIMIT][POLICY_FILES_NAME_SIZE];
    struct buffer groups[POLICY_FILES_GROUP_LIMIT];
    size_t group_count;
};

/** allowed-https.txt and its two sisters. */
const char *policy_files_name(enum policy_kind kind);

/** Read the three files and groups/ of the folder. The caller owns `*files` on success. */
bool policy_files_read(const char *folder, struct policy_files *files, struct error *error);
void policy_files_done(struct policy_files *files);

/** Compile them. The error is `FOLDER/FILE:LINE: reason`; the caller owns `*policy` on success. */
bool policy_files_compile(const struct policy_files *files, const char *folder,
                          struct policy **policy, struct error *error);

/** The payload of the firewall's `policy` request, as JSON. */
bool policy_files_encode(const struct policy_files *files, struct buffer *out, struct error *error);

/** The folder `path` of an archive with the same files. */
bool policy_files_archive(const struct policy_files *files, struct cpio_archive *archive,
                          const char *path, struct error *error);

/**
 * Copy the groups of an image (GROUPS/NAME.txt) over those of the same names in FOLDER/groups:
 * they are what the clients in the image are configured to use.
 */
bool policy_files_install_groups(const char *groups, const char *folder, struct error *error);

#endif
