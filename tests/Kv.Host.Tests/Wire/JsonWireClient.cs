using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace Kv.Host.Tests.Wire;

/// <summary>
/// Calls kv.KvService as a stranger does: through Python's gRPC, with nothing of ours on the client's side.
/// One call at a time.
/// </summary>
public sealed class JsonWireClient : IDisposable
{
    private const string Python = "/usr/bin/python3";
    private const string Advice =
        "These tests need Python's gRPC (Debian: python3-grpcio). Run ./test: it installs it.";

    private const int AnswerTimeoutMs = 30_000;

    private readonly Process _python;

    private JsonWireClient(Process python) => _python = python;

    public static JsonWireClient Start(string target)
    {
        string script = Path.Combine(SourceTree.Root, "tests", "Kv.Host.Tests", "Wire", "json_client.py");
        var start = new ProcessStartInfo(Python, [script, target])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(false),
        };
        try
        {
            return new JsonWireClient(Process.Start(start)!);
        }
        catch (Win32Exception missing)
        {
            throw new InvalidOperationException($"{missing.Message}. {Advice}", missing);
        }
    }

    /// <summary>A call with a request of text, which should be JSON.</summary>
    public Task<WireAnswer> CallAsync(string method, string request) =>
        CallAsync(JsonSerializer.Serialize(new object[] { method, request }));

    /// <summary>A call with a request of any bytes.</summary>
    public Task<WireAnswer> CallAsync(string method, byte[] request) =>
        CallAsync(JsonSerializer.Serialize(new object[] { method, new { base64 = request } }));

    public void Dispose()
    {
        _python.Kill();
        _python.WaitForExit();
        _python.Dispose();
    }

    private async Task<WireAnswer> CallAsync(string line)
    {
        string? answer = null;
        try
        {
            await _python.StandardInput.WriteLineAsync(line);
            await _python.StandardInput.FlushAsync();
            answer = await _python.StandardOutput.ReadLineAsync()
                .WaitAsync(TimeSpan.FromMilliseconds(AnswerTimeoutMs));
        }
        catch (IOException)
        {
            // It has ended; what it said last tells why.
        }
        return answer is null
            ? throw new InvalidOperationException(
                $"{Advice} It said: {await _python.StandardError.ReadToEndAsync()}")
            : WireAnswer.Parse(answer);
    }
}
