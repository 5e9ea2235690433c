#ifndef RECORD_STATE_FILE_H
#define RECORD_STATE_FILE_H

#include "base/buffer.h"
#include "base/error.h"

enum {
    STATE_FILE_VERSION = 1,
    STATE_FILE_PATH_SIZE = 256,
    STATE_FILE_ID_SIZE = 72,
    STATE_FILE_BYTES_LIMIT = 16 * 1024
};

/**
 * state.json of an instance: what was chosen for it once and is not worked out again. Texts may be
 * empty where something was not chosen yet.
 */
struct state_file {
    uint32_t firewall_ip, agent_ip;       /* on the link, host order */
    uint32_t prefix;                      /* bits, 8 to 30 */
    uint16_t ssh_port;                    /* on 127.0.0.1; 0 until the firewall first starts */
    char image[STATE_FILE_ID_SIZE];       /* the base that the disk was made on */
    char runtime[STATE_FILE_PATH_SIZE];   /* folder of the sockets of the running VMs */
    char provisioned[STATE_FILE_ID_SIZE]; /* hash of what was last brought into the agent VM */
    bool is_old_layout_copied;            /* files of the earlier layout were looked for */
};

/** Append the JSON text. */
bool state_file_encode(const struct state_file *state, struct buffer *out, struct error *error);

/** Read the JSON text; anything that state_file_encode cannot have written is refused. */
bool state_file_parse(struct bytes text, struct state_file *state, struct error *error);

#endif
