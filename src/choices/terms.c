/* SPDX-License-Identifier: Apache-2.0 */
/* The values of the choices, each with what it is: methods with what they need, prove and lose, modes, certificate
 * sources, joins, and so on. What follows from them is not said here but by the conditions. */
#include "choices/choices.h"

static const struct choices_term terms[] = {
    {"mp", "https",
     "The management point has a server certificate from an internal CA and tells devices apart by certificates or "
     "tokens. The connector must trust that CA."},
    {"mp", "ehttp",
     "Enhanced HTTP: the site is its own small CA for the management point's certificate and renews it. No PKI is "
     "needed between connector and management point; devices prove themselves by entra or token."},
    {"client", "pki",
     "Needs a unique client certificate with private key on each device, and the site must know its PKI's root. Proves "
     "the possession of that key, in the TLS handshake, for every connection; the PKI can revoke it. Loses nothing "
     "with an HTTPS management point, and is of no use to Enhanced HTTP. The price is a PKI, and a CRL that the "
     "gateway can get."},
    {"client", "entra",
     "Needs a device that is Entra joined or hybrid joined (older texts: AAD, HAAD), or another OpenID Connect issuer "
     "that vouches for it. Proves what the tenant says of the device; revocation is the tenant's. Loses devices that "
     "are not joined; needs the issuer's keys and the Internet while a device gets its token."},
    {"client", "token",
     "Needs a client of version 2002 or newer and one contact inside, or a bulk registration token. Proves the "
     "possession of the key that was registered with the site: the token is bound to it, a stolen one is useless. The "
     "site can block it. Loses user policy, unless the device is Entra or hybrid joined."},
    {"server-cert", "public",
     "The gateway's server certificate is from a CA that every operating system trusts already. Nothing to hand out; "
     "the name must be a public one of yours."},
    {"server-cert", "internal",
     "The gateway's server certificate is from a CA of your own. As good as a public one, for devices that hold its "
     "root and for no other."},
    {"client-version", "before 2002", "The client knows no tokens of the site. It works by pki or entra alone."},
    {"client-version", "2002 or newer",
     "The client takes tokens of the site, and is given one by itself when it is inside."},
    {"join", "none", "A workgroup device, in no directory (synonym: workgroup)."},
    {"join", "domain", "Joined to an Active Directory domain alone, trusted or not (synonym: ad)."},
    {"join", "hybrid", "Joined to Active Directory and registered with Entra (synonym: haad)."},
    {"join", "entra", "Joined to Entra alone (synonym: aad)."},
    {"scenario", "device", "Policy for the machine, whoever uses it."},
    {"scenario", "user", "Policy for the user who is signed in."},
    {"crl", "internet", "The CRL stands on an HTTP server that the gateway can reach on the Internet."},
    {"crl", "ad", "The CRL stands in Active Directory, by LDAP, alone (synonym: ldap). The gateway can't reach it."},
    {"crl", "internal", "The CRL stands on an HTTP server or in a file inside. The gateway can't reach it."},
    {"crl", "none", "The PKI publishes no CRL."},
    {"crl-check", "on",
     "The gateway asks the CRL whether a client certificate was revoked, and refuses it while there is no fresh CRL to "
     "ask (the default)."},
    {"crl-check", "off", "The gateway does not ask whether a client certificate was revoked."},
    {"crl-relay", "on", "A connector fetches the CRL inside and hands it to the site and the gateways."},
    {"crl-relay", "off", "No connector does; the gateway gets the CRL itself or not at all (the default)."},
};

const struct choices_term *choices_term(size_t index)
{
    return index < ARRAY_LEN(terms) ? &terms[index] : NULL;
}
