#include "test.h"

#include "firewall/trust_anchors.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

/* Authorities made here, in bundles of PEM, under a store of OpenSSL's. */

struct authority {
    EVP_PKEY *key;
    X509 *certificate;
};

static void add_extension(X509 *certificate, X509 *issuer, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    assert_non_null(extension);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

static X509 *make_certificate(const char *name, int text_kind, EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", text_kind,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_pubkey(certificate, key);
    return certificate;
}

static struct authority make_authority(const char *name, int text_kind)
{
    struct authority made = {.key = EVP_EC_gen("P-256")};
    made.certificate = make_certificate(name, text_kind, made.key);
    X509_set_issuer_name(made.certificate, X509_get_subject_name(made.certificate));
    add_extension(made.certificate, made.certificate, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(made.certificate, made.certificate, NID_subject_key_identifier, "hash");
    assert_true(X509_sign(made.certificate, made.key, EVP_sha256()) > 0);
    return made;
}

static void free_authority(struct authority *authority)
{
    EVP_PKEY_free(authority->key);
    X509_free(authority->certificate);
}

/* A certificate signed by the authority, whose name it writes in another way. */
static X509 *make_leaf(const struct authority *authority, const char *issuer, int text_kind)
{
    X509 *leaf = make_certificate("leaf", MBSTRING_UTF8, authority->key);
    X509_NAME *name = X509_NAME_new();
    X509_NAME_add_entry_by_txt(name, "CN", text_kind, (const unsigned char *)issuer, -1, -1, 0);
    X509_set_issuer_name(leaf, name);
    X509_NAME_free(name);
    add_extension(leaf, authority->certificate, NID_authority_key_identifier, "keyid:always");
    assert_true(X509_sign(leaf, authority->key, EVP_sha256()) > 0);
    return leaf;
}

static void append(BIO *pem, const struct authority *authority)
{
    assert_int_equal(PEM_write_bio_X509(pem, authority->certificate), 1);
}

static struct bytes text_of(BIO *pem)
{
    char *text;
    long length = BIO_get_mem_data(pem, &text);
    return (struct bytes){(const uint8_t *)text, (size_t)length};
}

static int verify(X509_STORE *store, X509 *leaf)
{
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    assert_int_equal(X509_STORE_CTX_init(context, store, leaf, NULL), 1);
    int verdict = X509_verify_cert(context) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    return verdict;
}

/* What a store says that has all of the bundle from the beginning. */
static int plain_verdict_on(struct bytes pem, X509 *leaf)
{
    X509_STORE *store = X509_STORE_new();
    BIO *input = BIO_new_mem_buf(pem.data, (int)pem.length);
    X509 *certificate;
    while ((certificate = PEM_read_bio_X509_AUX(input, NULL, NULL, NULL)) != NULL) {
        X509_STORE_add_cert(store, certificate);
        X509_free(certificate);
    }
    BIO_free(input);
    ERR_clear_error();
    int verdict = verify(store, leaf);
    X509_STORE_free(store);
    return verdict;
}

/* What a store that is served from this bundle says of a leaf, twice: the same. */
static int verdict_on(struct bytes pem, X509 *leaf)
{
    struct trust_anchors *anchors;
    struct error error;
    assert_true(trust_anchors_new(pem, &anchors, &error));
    X509_STORE *store = X509_STORE_new();
    trust_anchors_serve(anchors, store);
    int verdict = verify(store, leaf);
    assert_int_equal(verify(store, leaf), verdict);
    X509_STORE_free(store);
    trust_anchors_free(anchors);
    assert_int_equal(plain_verdict_on(pem, leaf), verdict);
    return verdict;
}

static void assert_refused(struct bytes pem, const char *reason)
{
    struct trust_anchors *anchors = NULL;
    struct error error = {""};
    assert_false(trust_anchors_new(pem, &anchors, &error));
    assert_null(anchors);
    assert_string_equal(error.text, reason);
}

static void refuses_a_bundle_without_a_certificate(void **state)
{
    struct authority one = make_authority("one", MBSTRING_UTF8);
    BIO *pem = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PUBKEY(pem, one.key), 1);
    assert_refused(BYTES_EMPTY, "holds no certificate");
    assert_refused(BYTES_LITERAL("# some text\n"), "holds no certificate");
    assert_refused(text_of(pem), "holds no certificate");
    BIO_free(pem);
    free_authority(&one);
}

static void refuses_a_bundle_with_a_block_that_is_no_certificate_inside(void **state)
{
    struct authority one = make_authority("one", MBSTRING_UTF8);
    BIO *pem = BIO_new(BIO_s_mem());
    append(pem, &one);
    BIO_puts(pem, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    append(pem, &one);
    assert_refused(text_of(pem), "certificate 2 cannot be read");
    BIO_free(pem);
    pem = BIO_new(BIO_s_mem());
    append(pem, &one);
    BIO_puts(pem, "-----BEGIN CERTIFICATE-----\nMII*\n-----END CERTIFICATE-----\n");
    assert_refused(text_of(pem), "certificate 2 cannot be read");
    BIO_free(pem);
    free_authority(&one);
}

/* Cut anywhere, a certificate has no subject, or is never found to be one. */
static void survives_a_certificate_that_is_cut_anywhere(void **state)
{
    struct authority one = make_authority("one", MBSTRING_UTF8);
    X509 *leaf = make_leaf(&one, "one", MBSTRING_UTF8);
    unsigned char *der = NULL;
    int length = i2d_X509(one.certificate, &der);
    for (int cut = 1; cut < length; cut++) {
        struct trust_anchors *anchors = NULL;
        struct error error;
        BIO *pem = BIO_new(BIO_s_mem());
        assert_true(PEM_write_bio(pem, PEM_STRING_X509, "", der, cut) > 0);
        if (trust_anchors_new(text_of(pem), &anchors, &error)) {
            trust_anchors_free(anchors);
            assert_int_not_equal(verdict_on(text_of(pem), leaf), X509_V_OK);
        }
        BIO_free(pem);
    }
    OPENSSL_free(der);
    X509_free(leaf);
    free_authority(&one);
}

static void trusts_nobody_whose_name_alone_is_in_the_bundle(void **state)
{
    struct authority one = make_authority("one", MBSTRING_UTF8);
    struct authority false_one = make_authority("one", MBSTRING_UTF8);
    struct authority other = make_authority("other", MBSTRING_UTF8);
    X509 *leaf = make_leaf(&false_one, "one", MBSTRING_UTF8);
    X509 *stranger = make_leaf(&other, "other", MBSTRING_UTF8);
    BIO *pem = BIO_new(BIO_s_mem());
    append(pem, &one);
    assert_int_not_equal(verdict_on(text_of(pem), leaf), X509_V_OK);
    assert_int_equal(verdict_on(text_of(pem), stranger),
                     X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
    BIO_free(pem);
    X509_free(leaf);
    X509_free(stranger);
    free_authority(&one);
    free_authority(&false_one);
    free_authority(&other);
}

static void finds_each_authority_among_other_blocks_and_text(void **state)
{
    enum { COUNT = 9 };
    struct authority all[COUNT];
    BIO *pem = BIO_new(BIO_s_mem());
    for (int i = 0; i < COUNT; i++) {
        char name[] = "authority 0";
        name[sizeof(name) - 2] = (char)('0' + i);
        all[i] = make_authority(name, MBSTRING_UTF8);
        BIO_printf(pem, "# number %d\n\n", i);
        assert_int_equal(PEM_write_bio_PUBKEY(pem, all[i].key), 1);
        if (i % 2)
            append(pem, &all[i]);
        else
            assert_int_equal(PEM_write_bio_X509_AUX(pem, all[i].certificate), 1);
    }
    for (int i = 0; i < COUNT; i++) {
        char name[] = "authority 0";
        name[sizeof(name) - 2] = (char)('0' + i);
        X509 *leaf = make_leaf(&all[i], name, MBSTRING_UTF8);
        assert_int_equal(verdict_on(text_of(pem), leaf), X509_V_OK);
        X509_free(leaf);
        free_authority(&all[i]);
    }
    BIO_free(pem);
}

/* After a change of its key an authority stands there twice. */
static void finds_every_authority_of_a_name(void **state)
{
    struct authority before = make_authority("one", MBSTRING_UTF8);
    struct authority after = make_authority("one", MBSTRING_UTF8);
    X509 *leaf_before = make_leaf(&before, "one", MBSTRING_UTF8);
    X509 *leaf_after = make_leaf(&after, "one", MBSTRING_UTF8);
    BIO *pem = BIO_new(BIO_s_mem());
    append(pem, &before);
    append(pem, &after);
    append(pem, &after); /* twice is once */
    assert_int_equal(verdict_on(text_of(pem), leaf_before), X509_V_OK);
    assert_int_equal(verdict_on(text_of(pem), leaf_after), X509_V_OK);
    verdict_on(text_of(pem), after.certificate); /* whatever it is, it is OpenSSL's own */
    BIO_free(pem);
    X509_free(leaf_before);
    X509_free(leaf_after);
    free_authority(&before);
    free_authority(&after);
}

/* RFC 5280 section 7.1: names are compared without case and with spaces folded, whatever their
 * encoding. */
static void finds_an_authority_whose_name_is_written_in_another_way(void **state)
{
    struct authority one = make_authority("Some  Authority", V_ASN1_PRINTABLESTRING);
    X509 *leaf = make_leaf(&one, "some authority", V_ASN1_UTF8STRING);
    BIO *pem = BIO_new(BIO_s_mem());
    append(pem, &one);
    assert_int_equal(verdict_on(text_of(pem), leaf), X509_V_OK);
    BIO_free(pem);
    X509_free(leaf);
    free_authority(&one);
}

RUN_TESTS(cmocka_unit_test(refuses_a_bundle_without_a_certificate),
          cmocka_unit_test(refuses_a_bundle_with_a_block_that_is_no_certificate_inside),
          cmocka_unit_test(survives_a_certificate_that_is_cut_anywhere),
          cmocka_unit_test(trusts_nobody_whose_name_alone_is_in_the_bundle),
          cmocka_unit_test(finds_each_authority_among_other_blocks_and_text),
          cmocka_unit_test(finds_every_authority_of_a_name),
          cmocka_unit_test(finds_an_authority_whose_name_is_written_in_another_way))
