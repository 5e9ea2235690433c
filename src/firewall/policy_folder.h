#ifndef FIREWALL_POLICY_FOLDER_H
#define FIREWALL_POLICY_FOLDER_H

#include "base/buffer.h"
#include "base/error.h"

/**
 * Read allowed-https.txt, allowed-ssh.txt, allowed-dns.txt (each must exist: a missing file is
 * not an empty one) and groups/NAME.txt into a bundle (policy_bundle.h), appended to `bundle`.
 */
bool policy_folder_read(const char *folder, struct buffer *bundle, struct error *error);

/**
 * Write a bundle's files that differ, each atomically. Groups that the bundle does not have are
 * deleted. A failure in between leaves some files new and some old: each of them whole.
 */
bool policy_folder_write(const char *folder, struct bytes bundle, struct error *error);

#endif
