"""A foreign client of kv.KvService: plain grpcio, JSON payloads, no generated code.

Reads calls from standard input, one JSON array [method, payload-as-text or {"base64": ...}] to a line, and answers
each with one line: {"ok": <reply text>} or {"code": "<gRPC code>", "details": "..."}.
"""

import base64
import json
import sys

import grpc


def main() -> None:
    with grpc.insecure_channel(sys.argv[1]) as channel:
        for line in sys.stdin:
            method, payload = json.loads(line)
            data = base64.b64decode(payload["base64"]) if isinstance(payload, dict) else payload.encode()
            call = channel.unary_unary(f"/kv.KvService/{method}")
            try:
                answer = {"ok": call(data, timeout=10, wait_for_ready=True).decode()}
            except grpc.RpcError as error:
                answer = {"code": error.code().name, "details": error.details()}
            print(json.dumps(answer), flush=True)


main()
