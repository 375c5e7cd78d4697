using System.Globalization;

namespace Kv.Etcd.Tests.Differential;

/// <summary>How long the comparison goes on, and with which dice.</summary>
internal static class DifferentialSettings
{
    public const string SeedName = "KV_DIFF_SEED";
    public const string OpsName = "KV_DIFF_OPS";

    private const int SeedDefault = 7;
    private const int OpsDefault = 2_000;

    public static int Seed { get; } = Read(SeedName, SeedDefault);

    /// <summary>Operations a run.</summary>
    public static int Operations { get; } = Read(OpsName, OpsDefault);

    private static int Read(string name, int otherwise) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text
            ? int.Parse(text, CultureInfo.InvariantCulture)
            : otherwise;
}
