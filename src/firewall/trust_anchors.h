#ifndef FIREWALL_TRUST_ANCHORS_H
#define FIREWALL_TRUST_ANCHORS_H

#include "base/bytes.h"
#include "base/error.h"

struct trust_anchors;
struct x509_store_st;

/*
 * Theory of Operation
 *
 * A bundle has well over a hundred authorities, and a firewall meets a handful of them. OpenSSL
 * takes 120 us to read each, nearly all of it for the public key, so that reading all of them
 * would be most of the time that a start takes. So only the subjects are read at first:
 *
 *   bundle   PEM text -> an index of (hash of the subject, where its block stands)
 *   wanted   verification asks the store for the issuer of that name -> the blocks with its hash
 *            are read, and those with that very name go into the store, where the next one who
 *            asks finds them
 *
 * What is trusted, and how it is verified, is the same: this is what OpenSSL does with a folder of
 * certificates whose names are hashes of subjects.
 */

/**
 * `pem` is borrowed for the anchors' life. Blocks that are no certificate are skipped. False when
 * one is no certificate inside, or when there is none at all.
 */
bool trust_anchors_new(struct bytes pem, struct trust_anchors **anchors, struct error *error);
/** After the store that it serves. */
void trust_anchors_free(struct trust_anchors *anchors);

/** The store finds its authorities here; of several stores each at most once. */
void trust_anchors_serve(struct trust_anchors *anchors, struct x509_store_st *store);

#endif
