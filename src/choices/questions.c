/* SPDX-License-Identifier: Apache-2.0 */
/* The questions (questions.h). */
#include "choices/questions.h"

#define Q(...)                                                                                                         \
    {                                                                                                                  \
        .crl_check = true, __VA_ARGS__                                                                                 \
    }
#define HTTPS .mp = CHOICE_MP_HTTPS
#define EHTTP .mp = CHOICE_MP_EHTTP
#define PKI .client = CHOICE_PKI
#define ENTRA .client = CHOICE_ENTRA
#define TOKEN .client = CHOICE_TOKEN
#define OLD .client_version = 1910
#define NEW .client_version = CHOICES_TOKENS_SINCE
#define JOIN(word) .join = CHOICE_JOIN_##word
#define CRL(word) .crl = CHOICE_CRL_##word
#define USER .scenario = CHOICE_USER
#define INTERNAL .server_cert = CHOICE_CERT_INTERNAL
#define ROOT(word) .client_has_root = CHOICE_##word

static const struct choices_faq questions[] = {
    {"enhanced-http-client-work",
     "Does Enhanced HTTP mean that there is nothing to do on the clients?",
     "No. It removes the need for a PKI between connector and management point, not on the device side of the "
     "gateway: they must still trust the gateway's certificate, be allowed to use the CMG and know of it, and have a "
     "method that Enhanced HTTP takes. A client of version 2002 or newer is given a token by itself while it is "
     "inside, so that no credential is left to hand out.",
     {{"a workgroup device with client 2002 and a token", Q(EHTTP, TOKEN, NEW), true},
      {"a workgroup device with client 1910", Q(EHTTP, TOKEN, OLD), false},
      {"a hybrid joined device with client 1910, by entra", Q(EHTTP, ENTRA, OLD, JOIN(HYBRID)), true},
      {"a device that shows its PKI certificate", Q(EHTTP, PKI), false},
      {"a device without the root of the gateway's internal CA", Q(EHTTP, TOKEN, NEW, INTERNAL, ROOT(NO)), false}},
     {"server-certificate", "client-root", "token-start", "ehttp-old-client", "cmg-allowed", "cmg-known"}},

    {"trusted-certificate-still-needed",
     "Is a trusted server certificate still needed, with Enhanced HTTP or tokens?",
     "Yes, always. The gateway stands on the Internet: the device must know whom it speaks to before it shows "
     "anything. The mode of the management point and the method of the device change nothing about it.",
     {{"Enhanced HTTP and token, a public certificate", Q(EHTTP, TOKEN, NEW), true},
      {"Enhanced HTTP and token, an internal CA whose root the device holds", Q(EHTTP, TOKEN, NEW, INTERNAL, ROOT(YES)),
       true},
      {"Enhanced HTTP and token, an internal CA whose root the device lacks", Q(EHTTP, TOKEN, NEW, INTERNAL, ROOT(NO)),
       false},
      {"HTTPS and pki, an internal CA whose root the device lacks", Q(HTTPS, PKI, INTERNAL, ROOT(NO)), false}},
     {"server-certificate", "client-root", "root-missing", "any-server-certificate"}},

    {"clients-trust-internal-ca",
     "How do clients trust a gateway whose certificate is from an internal CA?",
     "By that CA's root in the device's own trust store, handed out before the first contact through the gateway: by "
     "group policy or MDM, or with the enrolment file (cmg enrollment). The gateway can't hand it out itself; a device "
     "that took it from there would trust whoever answers first. The device that lacks it says which root is missing "
     "(cmg-client analyze).",
     {{"an internal CA whose root the device holds", Q(HTTPS, TOKEN, NEW, INTERNAL, ROOT(YES)), true},
      {"an internal CA whose root the device lacks", Q(HTTPS, TOKEN, NEW, INTERNAL, ROOT(NO)), false},
      {"a public CA, whatever the device holds", Q(HTTPS, TOKEN, NEW, ROOT(NO)), true}},
     {"client-root", "root-missing", "any-server-certificate"}},

    {"crl-not-on-the-internet",
     "What if the PKI publishes its CRL only in Active Directory, or not on the Internet?",
     "Then the gateway can't fetch it, and refuses client certificates rather than guess. Three ways out: a connector "
     "relays the CRL from inside (it must be published there: ad or internal), or you switch CRL checking off and know "
     "what that costs, or these devices use entra or token, which need no CRL.",
     {{"pki, the CRL only in Active Directory", Q(HTTPS, PKI, CRL(AD)), false},
      {"the same, relayed by a connector", Q(HTTPS, PKI, CRL(AD), .crl_relay = true), true},
      {"pki, the CRL on an internal server, relayed", Q(HTTPS, PKI, CRL(INTERNAL), .crl_relay = true), true},
      {"pki, no CRL anywhere: nothing to relay", Q(HTTPS, PKI, CRL(NONE), .crl_relay = true), false},
      {"pki, no CRL anywhere, CRL checking off", {HTTPS, PKI, CRL(NONE), .crl_check = false}, true},
      {"token instead", Q(HTTPS, TOKEN, NEW, CRL(AD)), true},
      {"entra instead", Q(HTTPS, ENTRA, NEW, JOIN(ENTRA), CRL(NONE)), true}},
     {"crl-unreachable", "crl-nowhere", "crl-relay", "crl-by-relay", "revocation-unchecked"}},

    {"connection-point-certificate",
     "Does the connection point need a client certificate of its own?",
     "Only where the management point is HTTPS and some clients use pki: there it must prove itself before it may pass "
     "on what it says of a device's certificate. With Enhanced HTTP, or with entra and token alone, its role "
     "certificate, which the site issues and renews by itself, is enough.",
     {{"HTTPS and pki, the connector has none", Q(HTTPS, PKI, .connector_cert = CHOICE_NO), false},
      {"HTTPS and pki, the connector has one", Q(HTTPS, PKI, .connector_cert = CHOICE_YES), true},
      {"HTTPS and token, the connector has none", Q(HTTPS, TOKEN, NEW, .connector_cert = CHOICE_NO), true},
      {"HTTPS and entra, the connector has none", Q(HTTPS, ENTRA, JOIN(ENTRA), .connector_cert = CHOICE_NO), true},
      {"Enhanced HTTP and token, the connector has none", Q(EHTTP, TOKEN, NEW, .connector_cert = CHOICE_NO), true}},
     {"connector-certificate", "connector-certificate-missing"}},

    {"tokens-in-untrusted-domains",
     "What do we lose with tokens in untrusted domains and workgroups?",
     "User-targeted policy, and nothing else: it needs a device that is Entra or hybrid joined and a user who signed "
     "in with Entra. Machine policy, software and inventory work with one management point and no trust between the "
     "domains. A device that never reaches the site inside needs a bulk registration token to begin.",
     {{"machine policy in an untrusted domain, by token", Q(EHTTP, TOKEN, NEW, JOIN(DOMAIN)), true},
      {"machine policy in a workgroup, by token", Q(EHTTP, TOKEN, NEW), true},
      {"user policy in an untrusted domain", Q(EHTTP, TOKEN, NEW, JOIN(DOMAIN), USER), false},
      {"user policy on a hybrid joined device that uses its token", Q(EHTTP, TOKEN, NEW, JOIN(HYBRID), USER), true}},
     {"workgroup-no-user-policy", "user-needs-join", "token-start"}},

    {"device-that-never-saw-the-site",
     "How is a device told of the CMG that never saw the site?",
     "Set CMGFQDNs to the gateway's name and DisAllowCMG to 0 on it, give it the site's pin (the enrolment file or the "
     "bulk token carry it) and a bulk registration token, restart the client, and read LocationServices.log. The first "
     "resultant setting that it gets replaces what was set by hand.",
     {{"a workgroup device with client 2002 and a bulk token", Q(EHTTP, TOKEN, NEW), true},
      {"the same, forbidden by its resultant setting", Q(EHTTP, TOKEN, NEW, .cmg_allowed = CHOICE_NO), false}},
     {"cmg-known", "token-start", "cmg-allowed", "cmg-forbidden"}},

    {"leave-internal-certificates",
     "Should we move away from internal certificates?",
     "Not because of the gateway: certificates of an internal CA work as well as public ones, at the gateway and on "
     "the devices, and need not be given up. What they cost is a root on every device and a CRL that the gateway can "
     "get. Move when that cost is more than entra or token would be, and plan it first: cmg plan shows who would be "
     "cut off.",
     {{"internal CA on the gateway, root handed out", Q(HTTPS, PKI, INTERNAL, ROOT(YES)), true},
      {"public CA on the gateway", Q(HTTPS, PKI), true},
      {"Enhanced HTTP after the move, for clients that still show PKI certificates", Q(EHTTP, PKI), false},
      {"Enhanced HTTP after the move, by token", Q(EHTTP, TOKEN, NEW), true}},
     {"any-server-certificate", "client-root", "crl-internet", "ehttp-forbids-pki"}},

    {"most-secure-method",
     "Is one method more secure than another?",
     "None is by itself; they prove different things. A PKI certificate proves that your PKI issued this key and has "
     "not revoked it, as far as the gateway can read the CRL. Entra proves that the tenant vouches for the device now. "
     "A token proves the key that was registered with the site, and stops counting when the site blocks it. Each needs "
     "and loses "
     "something (cmg explain pki, cmg explain entra, cmg explain token): decide by your own policy, and by what you "
     "can operate well.",
     {{"pki with CRL checking", Q(HTTPS, PKI), true},
      {"pki without CRL checking: works, and takes revoked certificates", {HTTPS, PKI, .crl_check = false}, true},
      {"entra", Q(HTTPS, ENTRA, JOIN(ENTRA)), true},
      {"token", Q(HTTPS, TOKEN, NEW), true}},
     {"client-certificate", "entra-tenant", "token-start", "revocation-unchecked", "no-user-policy"}},

    {"which-method-first",
     "Which method does a device use that could use several?",
     "The first of pki, entra, token that it fulfils and that the management point's mode takes; one at a time, and "
     "different devices may use different ones. A certificate that is refused as revoked is final: the device does not "
     "try the next method.",
     {{"pki at HTTPS", Q(HTTPS, PKI, JOIN(HYBRID)), true},
      {"pki at Enhanced HTTP: passed over for entra", Q(EHTTP, PKI, JOIN(HYBRID)), false},
      {"entra at Enhanced HTTP", Q(EHTTP, ENTRA, JOIN(HYBRID)), true}},
     {"https-takes-all", "ehttp-takes-entra-token", "entra-comes-first"}},

    {"old-clients",
     "What about clients older than version 2002?",
     "They know no tokens. With an HTTPS management point they work by pki, or by entra where they are joined; with "
     "Enhanced HTTP only those that are Entra or hybrid joined work. Updated to 2002 they are given a token by "
     "themselves.",
     {{"HTTPS, pki", Q(HTTPS, PKI, OLD), true},
      {"HTTPS, token", Q(HTTPS, TOKEN, OLD), false},
      {"Enhanced HTTP, entra, hybrid joined", Q(EHTTP, ENTRA, OLD, JOIN(HYBRID)), true},
      {"Enhanced HTTP, token, in a domain", Q(EHTTP, TOKEN, OLD, JOIN(DOMAIN)), false},
      {"Enhanced HTTP, token, in a domain, updated to 2002", Q(EHTTP, TOKEN, NEW, JOIN(DOMAIN)), true}},
     {"token-needs-2002", "ehttp-old-client"}},

    {"user-policy",
     "What does user policy need?",
     "A device that is Entra or hybrid joined and a user who signed in with Entra on it, whichever method the device "
     "itself uses. On any other device there is none; target the device instead.",
     {{"pki on a hybrid joined device", Q(HTTPS, PKI, JOIN(HYBRID), USER), true},
      {"token on an Entra joined device", Q(HTTPS, TOKEN, NEW, JOIN(ENTRA), USER), true},
      {"pki on a device in a domain alone", Q(HTTPS, PKI, JOIN(DOMAIN), USER), false},
      {"an Entra joined device where nobody signs in", Q(HTTPS, ENTRA, JOIN(ENTRA), USER, .user_sign_in = CHOICE_NO),
       false}},
     {"user-needs-join", "user-sign-in", "user-not-signed-in"}},

    {"allowed-but-not-connecting",
     "A custom setting allows the CMG; why does the device not use it?",
     "The resultant setting decides, not one custom setting: another of higher priority may forbid it, or the device "
     "may not have the new one yet (DisAllowCMG stays 1 until then). cmg settings resultant DEVICE shows which setting "
     "won, why, and what the device really has.",
     {{"allowed by the resultant setting", Q(HTTPS, PKI, .cmg_allowed = CHOICE_YES), true},
      {"forbidden by the resultant setting", Q(HTTPS, PKI, .cmg_allowed = CHOICE_NO), false}},
     {"cmg-allowed", "cmg-forbidden"}},
};

const struct choices_faq *choices_faq(size_t index)
{
    return index < ARRAY_LEN(questions) ? &questions[index] : NULL;
}
