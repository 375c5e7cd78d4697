namespace Kv.Host.Tests.Hosting;

/// <summary>A run of kv-host that ends by itself: what it said and how it ended.</summary>
internal sealed record HostRun(int ExitCode, string Output, string Error)
{
    /// <summary>Runs it in a new directory, or in one given.</summary>
    public static async Task<HostRun> ToEndAsync(
        IEnumerable<KeyValuePair<string, string>> environment,
        string[]? arguments = null,
        string? directory = null)
    {
        using TemporaryDirectory temporary = new();
        using HostLaunch launch = HostLaunch.Start(environment, arguments ?? [], directory ?? temporary.Path);
        int exitCode = await launch.EndAsync();
        return new HostRun(exitCode, launch.Output, launch.Error);
    }

    /// <inheritdoc cref="ToEndAsync(IEnumerable{KeyValuePair{string, string}}, string[], string)"/>
    public static Task<HostRun> ToEndAsync(params string[] arguments) => ToEndAsync([], arguments);
}
