#include "test.h"

#include "host/settings.h"

static void assert_refused(const char *text, const char *reason)
{
    struct settings settings;
    struct error error;
    settings_set_defaults(&settings);
    assert_false(settings_parse(bytes_from_text(text), ".env", &settings, &error));
    assert_string_equal(error.text, reason);
}

static void refuses_what_is_no_setting(void **state)
{
    assert_refused("hello", ".env:1: \"hello\" is no setting; allowed: NAME=VALUE, a # comment");
    assert_refused("A=1\n\n2B=1",
                   ".env:3: \"2B=1\" is no setting; allowed: NAME=VALUE, a # comment");
    assert_refused("ROOTCELL_AGENT_CPU=2",
                   ".env:1: ROOTCELL_AGENT_CPU: no such setting; rootcell-env(5) lists them");
    assert_refused("AWS_REGION='eu", ".env:1: AWS_REGION: a quote is not closed");
    assert_refused("AWS_REGION='eu' x",
                   ".env:1: AWS_REGION: something stands after the closing quote");
}

static void refuses_wrong_values_with_what_is_allowed(void **state)
{
    assert_refused("ROOTCELL_AGENT_CPUS=0",
                   ".env:1: ROOTCELL_AGENT_CPUS is \"0\"; allowed: 1 to 64");
    assert_refused("ROOTCELL_RECORDING=yes",
                   ".env:1: ROOTCELL_RECORDING is \"yes\"; allowed: on or off");
    assert_refused("ROOTCELL_ACCEL=xen",
                   ".env:1: ROOTCELL_ACCEL is \"xen\"; allowed: auto, kvm, hvf or tcg");
    assert_refused("ROOTCELL_FIREWALL_MEMORY=64M",
                   ".env:1: ROOTCELL_FIREWALL_MEMORY is \"64M\"; allowed: 96M to 16G (plain "
                   "numbers are MiB)");
    assert_refused("ROOTCELL_AGENT_MEMORY=99999999G",
                   ".env:1: ROOTCELL_AGENT_MEMORY is \"99999999G\"; allowed: 512M to 1024G (plain "
                   "numbers are MiB)");
    assert_refused("ROOTCELL_UPSTREAM_DNS=1.1.1.1:0",
                   ".env:1: ROOTCELL_UPSTREAM_DNS is \"1.1.1.1:0\"; allowed: ADDRESS or "
                   "ADDRESS:PORT, IPv4");
    assert_refused("ROOTCELL_UPSTREAM_CA=~/ca.pem", ".env:1: ROOTCELL_UPSTREAM_CA is "
                                                    "\"~/ca.pem\"; allowed: the full path of a "
                                                    "PEM file");
    assert_refused("ROOTCELL_IMAGE_MANIFEST_URL=http://x/m",
                   ".env:1: ROOTCELL_IMAGE_MANIFEST_URL is \"http://x/m\"; allowed: an https:// "
                   "URL");
    assert_refused("ROOTCELL_AGENT_PACKAGES='jq; reboot'",
                   ".env:1: ROOTCELL_AGENT_PACKAGES is \"jq; reboot\"; allowed: names of Debian "
                   "packages, separated by spaces");
    assert_refused("ROOTCELL_AGENT_PACKAGES=--force",
                   ".env:1: ROOTCELL_AGENT_PACKAGES is \"--force\"; allowed: names of Debian "
                   "packages, separated by spaces");
    assert_refused("ROOTCELL_SUBNET_POOL_START=10.0.0.1",
                   ".env:1: ROOTCELL_SUBNET_POOL_START is \"10.0.0.1\"; allowed: an IPv4 network "
                   "that ends in .0");
    assert_refused("NETWORK_PREFIX=31", ".env:1: NETWORK_PREFIX is \"31\"; allowed: 8 to 30");
    assert_refused("AWS_REGION=eu_\x1b[2J",
                   ".env:1: AWS_REGION is \"eu_\\x1b[2J\"; allowed: a region such as eu-west-1");
}

static void leaves_settings_alone_when_one_line_is_wrong(void **state)
{
    struct settings settings;
    struct error error;
    settings_set_defaults(&settings);
    assert_false(settings_parse(BYTES_LITERAL("ROOTCELL_AGENT_CPUS=3\nROOTCELL_ACCEL=x\n"), ".env",
                                &settings, &error));
    assert_int_equal(settings.agent_cpus, 0);
}

static void refuses_addresses_that_do_not_belong_together(void **state)
{
    struct settings settings;
    struct error error;
    settings_set_defaults(&settings);
    settings.firewall_ip = 0x0a000001;
    assert_false(settings_check(&settings, &error));
    settings.agent_ip = 0x0a000101;
    assert_false(settings_check(&settings, &error));
    settings.agent_ip = 0x0a0000ff;
    assert_false(settings_check(&settings, &error));
    settings.agent_ip = 0x0a000002;
    assert_true(settings_check(&settings, &error));
    settings.pool_end = settings.pool_start - 256;
    assert_false(settings_check(&settings, &error));
}

static void reads_values_as_a_shell_would(void **state)
{
    struct settings settings;
    struct error error;
    settings_set_defaults(&settings);
    static const char text[] = "# comment\n"
                               "\n"
                               "export AWS_REGION=\"eu-west-1\"  # mine\r\n"
                               "ROOTCELL_AGENT_CPUS=3 # three\n"
                               "ROOTCELL_AGENT_MEMORY=3G\n"
                               "ROOTCELL_AGENT_DISK=20480\n"
                               "ROOTCELL_RECORDING=on\n"
                               "ROOTCELL_ACCEL=tcg\n"
                               "ROOTCELL_UPSTREAM_DNS=192.0.2.1:5353\n"
                               "ROOTCELL_AGENT_PACKAGES='  cowsay   g++ '\n"
                               "ROOTCELL_QEMU=\n"
                               "SOMETHING_ELSE=whatever is in it\n"
                               "ROOTCELL_UPSTREAM_CA=/etc/with#hash.pem";
    assert_true(settings_parse(BYTES_LITERAL(text), ".env", &settings, &error));
    assert_string_equal(settings.aws_region, "eu-west-1");
    assert_int_equal(settings.agent_cpus, 3);
    assert_int_equal(settings.agent_memory_bytes, 3ULL << 30);
    assert_int_equal(settings.agent_disk_bytes, 20ULL << 30);
    assert_true(settings.is_recording);
    assert_int_equal(settings.accelerator, SETTINGS_ACCELERATOR_TCG);
    assert_int_equal(settings.upstream_dns, 0xc0000201);
    assert_int_equal(settings.upstream_dns_port, 5353);
    assert_string_equal(settings.agent_packages, "cowsay g++");
    assert_string_equal(settings.qemu, "");
    assert_string_equal(settings.upstream_ca, "/etc/with#hash.pem");
}

RUN_TESTS(cmocka_unit_test(refuses_what_is_no_setting),
          cmocka_unit_test(refuses_wrong_values_with_what_is_allowed),
          cmocka_unit_test(leaves_settings_alone_when_one_line_is_wrong),
          cmocka_unit_test(refuses_addresses_that_do_not_belong_together),
          cmocka_unit_test(reads_values_as_a_shell_would))
