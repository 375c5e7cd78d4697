namespace Kv.Etcd.Tests.Systems;

/// <summary>A running server with a directory of its own; both are gone at the end.</summary>
internal sealed class EtcdSystem : IDisposable
{
    /// <summary>Starts with other ports, should somebody else have taken ours meanwhile.</summary>
    private const int PortTriesMax = 5;

    private readonly LoggedProcess _process;
    private readonly TemporaryDirectory _directory;

    private EtcdSystem(LoggedProcess process, TemporaryDirectory directory, EtcdEndpoint endpoint)
    {
        _process = process;
        _directory = directory;
        Endpoint = endpoint;
    }

    public EtcdEndpoint Endpoint { get; }

    /// <summary>Starts a server on two consecutive free ports and waits until it answers.</summary>
    /// <param name="launch">From the first port and a directory to the process.</param>
    /// <param name="answers">Whether it is ready for calls.</param>
    public static async Task<EtcdSystem> StartAsync(
        Func<int, string, LoggedProcess> launch, Func<EtcdEndpoint, Task<bool>> answers)
    {
        for (int tried = 1; ; tried++)
        {
            int port = FreePorts.Take(2);
            var directory = new TemporaryDirectory();
            var system = new EtcdSystem(
                launch(port, directory.Path), directory, new EtcdEndpoint($"127.0.0.1:{port}"));
            try
            {
                await system._process.AnswersAsync(() => answers(system.Endpoint));
                return system;
            }
            catch (InvalidOperationException) when (system.PortWasTaken && tried < PortTriesMax)
            {
                system.Dispose();
            }
            catch
            {
                system.Dispose();
                throw;
            }
        }
    }

    /// <summary>SIGSTOP; returns when it stands still.</summary>
    public Task SuspendAsync() => _process.SuspendAsync();

    /// <summary>SIGCONT.</summary>
    public void Continue() => _process.Continue();

    private bool PortWasTaken =>
        _process.Said.Contains("address already in use", StringComparison.OrdinalIgnoreCase);

    public void Dispose()
    {
        Endpoint.Dispose();
        _process.Dispose();
        _directory.Dispose();
    }
}
