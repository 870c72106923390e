"""SRTP (RFC 3711) with the keys of SDP (RFC 4568)."""

from pylibsrtp import Policy, Session

from calloff.media.agreement import SrtpKey, SrtpProfile

_PROFILES = {
    SrtpProfile.AES_CM_128_HMAC_SHA1_80: Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    SrtpProfile.AES_CM_128_HMAC_SHA1_32: Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
}


def sender(key: SrtpKey | None) -> Session | None:
    """What encrypts the packets that leave; None without a key."""
    return _session(key, Policy.SSRC_ANY_OUTBOUND)


def receiver(key: SrtpKey | None) -> Session | None:
    """What decrypts and checks those that come; None without a key."""
    return _session(key, Policy.SSRC_ANY_INBOUND)


def _session(key: SrtpKey | None, ssrc_type: int) -> Session | None:
    if key is None:
        return None
    return Session(policy=Policy(key=key.key, ssrc_type=ssrc_type, srtp_profile=_PROFILES[key.profile]))
