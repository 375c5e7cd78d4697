using Kv.Core;

namespace Kv.Host.Etcd;

/// <summary>Puts etcd's API into the host.</summary>
internal static class EtcdServices
{
    public static void Add(IServiceCollection services)
    {
        services.AddSingleton<EtcdEdge>();
        Add<EtcdKvService>(services);
    }

    public static void Map(WebApplication app)
    {
        app.MapGrpcService<EtcdKvService>();
    }

    // A reply has what a client's range asked for: etcd bounds requests only.
    private static void Add<TService>(IServiceCollection services) where TService : class
    {
        services.AddSingleton<TService>();
        services.AddGrpc().AddServiceOptions<TService>(static options =>
            options.MaxSendMessageSize = KvLimits.EtcdReplyBytesMax);
    }
}
