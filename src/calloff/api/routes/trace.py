"""What went over the wire for a call."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from calloff.api.authentication import pool_of
from calloff.api.identifiers import actor_of, identifier
from calloff.api.representation import respond
from calloff.domain.errors import InvalidInput
from calloff.operations.calls import read_trace
from calloff.operations.queue import NO_CALL, to_call
from calloff.reports.ladder import ladder, messages_of
from calloff.sip.pcap import PCAP, to_pcap

router = APIRouter(prefix="/api")
_FORMATS = ("", "pcap")


@router.get("/outbound/{call_id}/trace")
async def trace(request: Request) -> Response:
    """Each attempt's messages and counters; with `format=pcap` a file for Wireshark."""
    access = await to_call(pool_of(request), await actor_of(request), identifier(request, "call_id", missing=NO_CALL))
    traces = await read_trace(pool_of(request), access)
    wanted = request.query_params.get("format", "")
    if wanted not in _FORMATS:
        raise InvalidInput("format is not pcap. Leave it out, or give pcap.", field="format")
    is_masked = access.call.is_pci
    if wanted == "pcap":
        name = f'attachment; filename="call-{access.call.call_id}.pcap"'
        content = to_pcap(messages_of(traces, is_masked=is_masked))
        return Response(content, media_type=PCAP, headers={"content-disposition": name})
    attempts = [
        {
            "attempt": each.attempt,
            "messages": [
                {
                    "timestamp": step.at,
                    "direction": "sent" if step.is_ours else "received",
                    "local": step.ours,
                    "remote": step.theirs,
                    "title": step.title,
                    "text": step.text,
                }
                for step in each.steps
            ],
            "messages_left_out": each.left_out,
            "media": each.media,
        }
        for each in (ladder(trace, is_masked=is_masked) for trace in traces)
    ]
    return respond(request, {"attempts": attempts})
