using Kv.Core;
using Kv.Host.Settings;

namespace Kv.Host.Etcd;

/// <summary>Puts etcd's API into the host.</summary>
internal static class EtcdServices
{
    public static void Add(IServiceCollection services)
    {
        services.AddSingleton<EtcdEdge>();
        services.AddSingleton<AuthGate>();
        services.AddSingleton<AuthPasswords>();
        services.AddSingleton(static provider => new AuthTokens(
            TimeProvider.System, provider.GetRequiredService<HostSettings>().AuthTokenTtl));
        Add<EtcdKvService>(services);
        Add<EtcdMaintenanceService>(services);
        Add<EtcdClusterService>(services);
        Add<EtcdWatchService>(services);
        Add<EtcdLeaseService>(services);
        services.AddSingleton<TurnQueue>();
        Add<EtcdLockService>(services);
        Add<EtcdElectionService>(services);
        Add<EtcdAuthService>(services);
    }

    public static void Map(WebApplication app)
    {
        // etcd's own gateway takes JSON under any name; curl -d calls it a form.
        app.Use(static (call, next) =>
        {
            if (call.Request.Path.StartsWithSegments("/v3") && !call.Request.HasJsonContentType())
            {
                call.Request.ContentType = "application/json";
            }
            return next(call);
        });
        app.MapGrpcService<EtcdKvService>();
        app.MapGrpcService<EtcdMaintenanceService>();
        app.MapGrpcService<EtcdClusterService>();
        app.MapGrpcService<EtcdWatchService>();
        app.MapGrpcService<EtcdLeaseService>();
        app.MapGrpcService<EtcdLockService>();
        app.MapGrpcService<EtcdElectionService>();
        app.MapGrpcService<EtcdAuthService>();
    }

    // A reply has what a client's range asked for: etcd bounds requests only.
    private static void Add<TService>(IServiceCollection services) where TService : class
    {
        services.AddSingleton<TService>();
        services.AddGrpc().AddServiceOptions<TService>(static options =>
            options.MaxSendMessageSize = KvLimits.EtcdReplyBytesMax);
    }
}
