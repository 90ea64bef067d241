/** Codes of Node's TLS layer and of OpenSSL's certificate verification that have words of their own. */
const WORDS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  CERT_REVOKED: 'its certificate is revoked',
  CERT_SIGNATURE_FAILURE: 'its certificate is not signed by the authority that it names',
  CERT_UNTRUSTED: 'its certificate is signed by nobody we trust',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed and not trusted',
  ERR_TLS_CA_FILE: 'the CA file configured for it cannot be used',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  HOSTNAME_MISMATCH: 'its certificate is for another name',
  INVALID_CA: 'its certificate is signed by what is no authority',
  INVALID_PURPOSE: 'its certificate is not meant for servers',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by nobody we trust',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate is signed by nobody we trust',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is signed by nobody we trust',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is signed by nobody we trust',
};

/** What a TLS failure means to a person: a code alone sends them to a search engine. */
export function tlsWords(code: string): string {
  const words = Object.hasOwn(WORDS, code) ? WORDS[code] : undefined;
  if (words !== undefined) return words;
  if (/ALERT_(BAD_CERTIFICATE|CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE)$/.test(code)) {
    return 'it refused the TLS handshake, as one that wants a client certificate does';
  }
  return 'TLS failed';
}
