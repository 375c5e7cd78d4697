namespace Kv.Host;

/// <summary>How the process ends; shown by --help.</summary>
internal static class ExitCodes
{
    public const int Ok = 0;

    /// <summary>A node failed again and again.</summary>
    public const int Fatal = 1;

    /// <summary>A setting or option cannot be used.</summary>
    public const int Usage = 2;

    /// <summary>The node must not run: name or data directory in use, another mode on its exchange,
    /// a cluster of a version that this build does not have.</summary>
    public const int Refused = 3;

    /// <summary>Asks the process to stop, and to end with this code.</summary>
    public static void Stop(IHostApplicationLifetime lifetime, int code)
    {
        Environment.ExitCode = code;
        lifetime.StopApplication();
    }
}
