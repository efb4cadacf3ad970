"""A small endpoint on this machine that speaks chat completions, as OpenAI's does.

It serves whatever model it is given, asks for a key, and fails in the ways that real ones do.
Reference: https://platform.openai.com/docs/api-reference/chat
"""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NAME = "tiny-gpt"  # the model that it serves; any other name is unknown to it
CONTEXT = 4096  # characters of a question that it reads


class Endpoint:
    """Context manager: a server in a thread of its own, on a free port of the loopback.

    Parameters
    ----------
    reply
        ``reply(question, max_tokens) -> (text, prompt tokens, new tokens, ended)``.
    key
        The only key that it accepts.
    failures
        Status to answer with, request by request: 429, 500, 503; 0 for none. The last one repeats.
    delay
        Seconds to wait before each answer, or until the client has gone.

    Attributes
    ----------
    url
        The base URL, for the client.
    requests
        What arrived: path, key, model, client, roles of the messages and time of each request.
    """

    def __init__(self, reply, *, key, failures=(0,), delay=0.0):
        self.reply, self.key, self.failures, self.delay = reply, key, failures, delay
        self.requests = []
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.endpoint = self
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self):
        serve = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        serve.start()
        return self

    def __exit__(self, *_):
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def next_failure(self, request):
        """Write a request down and say which failure it meets."""
        with self._lock:
            number = len(self.requests)
            self.requests.append(request)
        return self.failures[min(number, len(self.failures) - 1)]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request, client_address):
        """A client that has gone, as one does after a time-out, is no news."""


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        endpoint = self.server.endpoint
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        key = self.headers.get("Authorization", "").removeprefix("Bearer ")
        asked = {
            "path": self.path,
            "key": key,
            "model": body.get("model"),
            "client": self.headers.get("User-Agent", ""),
            "roles": _roles(body.get("messages") or []),
            "at": time.monotonic(),
        }
        failure = endpoint.next_failure(asked)
        over = time.monotonic() + endpoint.delay
        while time.monotonic() < over and not endpoint.closing.is_set():
            time.sleep(0.01)
        status, answer = _answer(endpoint, asked, body, failure)
        self._send(status, answer)

    def _send(self, status, answer):
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if status == 429 or status >= 500:  # tells the client how soon to come back
            self.send_header("retry-after-ms", "20")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Nothing: the notebook's output is not a server's log."""


def _answer(endpoint, asked, body, failure):
    """The status and content of the answer to one request."""
    if asked["key"] != endpoint.key:
        return 401, _error("Incorrect API key provided.", "invalid_api_key")
    if failure == 429:
        return 429, _error("Rate limit reached.", "rate_limit_exceeded")
    if failure:
        return failure, _error("The server had an error.", "server_error")
    if asked["path"] != "/v1/chat/completions":
        return 404, _error(f"There is no {asked['path']} here.", "not_found")
    if asked["model"] != NAME:
        # In backticks, as OpenAI's: what is in quotation marks is part of what a mistake is.
        unknown = f"The model `{asked['model']}` does not exist or you do not have access to it."
        return 404, _error(unknown, "model_not_found")
    if body.get("stream"):
        return 400, _error("This server does not stream: leave stream out.", "unsupported_value")
    limit = body.get("max_completion_tokens") or body.get("max_tokens") or 64
    question = _text(body["messages"][-1]["content"])[:CONTEXT]
    return 200, _completion(*endpoint.reply(question, int(limit)))


def _roles(messages):
    """Who speaks in each message; one that is no object has nobody."""
    return [m.get("role", "") if isinstance(m, dict) else "" for m in messages]


def _text(content):
    """The content of a message, which is a text or a list of parts."""
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return str(content)


def _error(message, code):
    return {"error": {"message": message, "type": code, "param": None, "code": code}}


def _completion(text, prompt_tokens, new_tokens, ended):
    return {
        "id": "chatcmpl-local",
        "object": "chat.completion",
        "created": 0,
        "model": NAME,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "finish_reason": "stop" if ended else "length",
            }
        ],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": new_tokens,
            "total_tokens": prompt_tokens + new_tokens,
        },
    }


def answering(model, tokenizer):
    """A ``reply`` for `Endpoint`: the model's likeliest answer, up to the end of the line."""

    def reply(question, limit):
        enc = tokenizer(f"Q: {question}\nA:", return_tensors="pt")
        end = tokenizer.eos_token_id
        out = model.generate(**enc, do_sample=False, max_new_tokens=limit, pad_token_id=end)
        new = out[0, enc.input_ids.shape[1] :].tolist()
        text = tokenizer.decode(new, skip_special_tokens=True)
        line = text.strip().partition("\n")[0]
        return line, enc.input_ids.shape[1], len(new), end in new or "\n" in text.strip()

    return reply
