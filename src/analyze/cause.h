/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The analyzer's own causes: stable ids, what each means, and what an administrator does. Beside them it uses the
 * reasons of verdict/reason.h, the codes of management points, and the words of web/http.h, under their own names.
 */
#ifndef ANALYZE_CAUSE_H
#define ANALYZE_CAUSE_H

/* X(symbol, id, text, remedy) */
#define ANALYZE_CAUSES(X)                                                                                              \
    X(NAME_NOT_FOUND, "name_not_found", "the gateway's name does not resolve",                                         \
      "check the spelling, the DNS record of the gateway (CNAME or A, public DNS for Internet clients), and this "     \
      "machine's name servers")                                                                                        \
    X(NAME_SERVER, "name_server", "the name servers give no answer",                                                   \
      "check this machine's name servers and its way to them (UDP and TCP 53)")                                        \
    X(NO_ROUTE, "no_route", "this machine has no route to the gateway's address",                                      \
      "check that the address is the gateway's (else correct its DNS record), and this machine's network (ip route "   \
      "get "                                                                                                           \
      "ADDRESS)")                                                                                                      \
    X(REFUSED, "connection_refused", "the machine is there, but nothing takes connections at this port",               \
      "check that cmg-gateway runs and listens on this port, the port in CMGFQDNs, and firewalls that reject")         \
    X(FILTERED, "filtered", "nothing answers at this address and port: packets are dropped on the way",                \
      "let TCP through to the gateway's port: this machine's outgoing firewall, the gateway's incoming one, the "      \
      "cloud's security group; check that the address is the gateway's")                                               \
    X(PROXY, "proxy", "the proxy could not be used",                                                                   \
      "check that the proxy that is named runs and lets CONNECT to the gateway's name and port pass; or name the "     \
      "gateway in no_proxy, where this machine needs no proxy")                                                        \
    X(NOT_TLS, "not_tls", "what answers at this port does not speak TLS",                                              \
      "check the name and the port, and what listens there; if it is a proxy, name it in https_proxy instead; if it "  \
      "stands before the gateway, let it pass TCP on as it is")                                                        \
    X(TLS_VERSION, "tls_version", "the other side speaks only versions of TLS that are too old",                       \
      "the gateway speaks TLS 1.2 and 1.3: check what answers at this address (an old load balancer or proxy), and "   \
      "let it pass TLS through or update it")                                                                          \
    X(TLS_CUT, "tls_cut", "the connection is cut off within the TLS handshake",                                        \
      "look for a firewall that filters by name (SNI) or breaks TLS; check the log of cmg-gateway")                    \
    X(TLS_FAILED, "tls_failed", "the two sides did not agree on TLS",                                                  \
      "check what answers at this address; the gateway speaks TLS 1.2 and 1.3")                                        \
    X(TLS_INTERCEPTED, "tls_intercepted", "it is not the gateway that answers: something in between takes TLS apart",  \
      "client certificates can't pass it: exclude the gateway's name from TLS inspection at the proxy that the "       \
      "issuer "                                                                                                        \
      "names; let a load balancer or reverse proxy before the gateway pass TCP on instead of ending TLS; if there is " \
      "neither, check which machine has the gateway's address")                                                        \
    X(TLS_WRONG_HOST, "tls_wrong_host", "the gateway's server certificate is for another name",                        \
      "use a name of the certificate in CMGFQDNs, or issue the gateway a certificate with this name")                  \
    X(TLS_EXPIRED, "tls_expired", "the gateway's server certificate or an issuer of it has expired",                   \
      "renew the certificate that is named, and give it to cmg-gateway")                                               \
    X(TLS_NOT_YET_VALID, "tls_not_yet_valid", "the gateway's server certificate is not valid yet",                     \
      "check the clock of the CA that issued it; wait, or issue it anew")                                              \
    X(TLS_UNTRUSTED, "tls_untrusted",                                                                                  \
      "the gateway's server certificate comes from an issuer that is not trusted here",                                \
      "give the root that is named to whoever asks: the analyzer by --ca FILE, a device by cmg-client set "            \
      "GatewayCA=FILE or in the machine's root store; if an intermediate is missing, put it behind the "               \
      "gateway's certificate in the file that server_certificates of gateway.yaml names")                              \
    X(TLS_USAGE, "tls_wrong_usage", "the gateway's server certificate may not be used for servers",                    \
      "issue one with the extended key usage serverAuth (1.3.6.1.5.5.7.3.1)")                                          \
    X(TLS_WEAK, "tls_weak", "a key or signature in the gateway's certificate chain is too weak",                       \
      "issue one with RSA 2048 bits or more, or P-256, signed with SHA-256 or stronger")                               \
    X(TLS_INVALID, "tls_certificate_invalid", "the gateway's server certificate can't be verified",                    \
      "issue the certificate that is named anew")                                                                      \
    X(CLOCK_WRONG, "clock_wrong", "the clocks of this machine and of the gateway differ too much",                     \
      "set the clock that is wrong, and let both follow a time service; signatures hold 300 s, tokens 60 s")           \
    X(NOT_A_GATEWAY, "not_a_gateway", "what answers is no OpenCMG gateway",                                            \
      "check the name, the port and what else answers there (a web server, a load balancer, a captive portal)")        \
    X(NO_ANSWER, "no_answer", "the gateway took the connection but gave no answer in time",                            \
      "check the load and the log of cmg-gateway; raise --timeout")                                                    \
    X(LOCATION_UNTRUSTED, "location_untrusted", "the gateway's location data are not signed by this site",             \
      "compare the site key with the pin that `cmg status` shows; if it is right, this is another site's gateway")     \
    X(NO_MANAGEMENT_POINT, "no_management_point", "the site publishes no management point that is usable here",        \
      "see `cmg status`; check the role id, and `cmg choices` for which method works in which mode")                   \
    X(MP_REDIRECTS, "mp_redirects", "the management point answers with a redirect, which devices do not follow",       \
      "publish the URL that it redirects to, or switch the redirect off (a web server that sends http to https, a "    \
      "login page in front)")                                                                                          \
    X(MP_SLOW, "mp_slow", "the management point answers too slowly",                                                   \
      "check its load and its store, and the connector's way to it")                                                   \
    X(MP_ERROR, "mp_error", "the management point has a fault of its own", "see the log of cmg-mp by the request id")  \
    X(BAD_ANSWER, "bad_answer", "the answer is not what this request is answered with",                                \
      "check what stands behind this path of the management point")                                                    \
    X(POLICY_UNTRUSTED, "policy_untrusted", "the policy is not signed by this site",                                   \
      "compare the site key with the pin that `cmg status` shows")                                                     \
    X(APPROVAL_PENDING, "approval_pending", "the device registered, and waits for approval at the site",               \
      "cmg device list and cmg device show GUID say why it waits (its name, hardware id or Entra device is another "   \
      "record's, or was a removed device's; nobody vouches for it; approval is manual); then cmg device approve GUID") \
    X(CLONED, "cloned", "the key of this device is registered with another hardware id: its state is a copy",          \
      "register the copy anew with a key of its own: remove its state folder, then cmg-client register; if it is the " \
      "same machine with other hardware: cmg device approve GUID")                                                     \
    X(GATEWAY_SILENT, "gateway_silent", "the site passed the question on, but the gateway did not answer it",          \
      "see `cmg status`: when was it last seen, and has it tunnels? Check that cmg-gateway runs, that a connector "    \
      "reaches it, and that both are new enough; raise --timeout")                                                     \
    X(STOPPED, "stopped", "stopped by a signal", "")

enum analyze_cause {
    ANALYZE_CAUSE_NONE,
#define ANALYZE_X(symbol, id, text, remedy) ANALYZE_CAUSE_##symbol,
    ANALYZE_CAUSES(ANALYZE_X)
#undef ANALYZE_X
        ANALYZE_CAUSE_COUNT
};

struct analyze_cause_info {
    const char *id, *text, *remedy;
};
const struct analyze_cause_info *analyze_cause_info(enum analyze_cause cause);

#endif
