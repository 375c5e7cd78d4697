namespace Kv.Testing.Processes;

/// <summary>A directory of its own, gone at the end.</summary>
public sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("kv-host-test-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
