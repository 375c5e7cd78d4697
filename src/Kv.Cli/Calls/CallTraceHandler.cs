using System.Net;

namespace Kv.Cli.Calls;

/// <summary>
/// Watches requests pass. The HTTP handler asks a request for its content only once it has a connection to
/// write to, so that moment divides "never sent" from "perhaps received".
/// </summary>
internal sealed class CallTraceHandler(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    private static readonly AsyncLocal<CallTrace?> Current = new();

    /// <summary>Makes the trace that of the call started next in this asynchronous flow.</summary>
    public static void Follow(CallTrace trace) => Current.Value = trace;

    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, CancellationToken cancellationToken)
    {
        CallTrace? trace = Current.Value;
        if (trace is null)
        {
            return await base.SendAsync(request, cancellationToken);
        }

        request.Content = new TracedContent(request.Content!, trace);
        HttpResponseMessage response = await base.SendAsync(request, cancellationToken);
        // A proxy or another kind of server answers with other HTTP codes, which the gRPC client maps to
        // codes such as UNAVAILABLE; those are no promise of a node.
        string? mediaType = response.Content.Headers.ContentType?.MediaType;
        if (response.StatusCode == HttpStatusCode.OK
            && mediaType?.StartsWith("application/grpc", StringComparison.Ordinal) == true)
        {
            trace.MarkAnswered();
        }

        return response;
    }

    /// <summary>The content of a request; marks the trace before the first byte goes out.</summary>
    private sealed class TracedContent : HttpContent
    {
        private readonly HttpContent _content;
        private readonly CallTrace _trace;

        public TracedContent(HttpContent content, CallTrace trace)
        {
            (_content, _trace) = (content, trace);
            foreach ((string name, IEnumerable<string> values) in content.Headers)
            {
                Headers.TryAddWithoutValidation(name, values);
            }
        }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override Task SerializeToStreamAsync(
            Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            _trace.MarkSent();
            return _content.CopyToAsync(stream, context, cancellationToken);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = -1;
            return false;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _content.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
